"""The models at full size with random weights, from files to sound, and over HTTP."""

from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from chatterbox.models.s3gen import S3Gen
from chatterbox.models.voice_encoder import VoiceEncoder
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import PreTrainedTokenizerFast

from services.tts.engines.base import Reference, SpeechChunk, SpeechRequest
from services.tts.engines.chatterbox import preparing
from services.tts.engines.chatterbox.decode import Capacity, RunningBatch
from services.tts.engines.chatterbox.engine import ChatterboxEngine, Options
from services.tts.engines.chatterbox.guards import Limits
from services.tts.engines.chatterbox.load import build_t3, find, load
from services.tts.engines.chatterbox.prompt import build
from services.tts.engines.chatterbox.variants import SPECS, Variant
from services.tts.engines.chatterbox.voice import listen
from shared.errors import EngineUnavailable, InvalidRequest
from tests.chatterbox.shelf import Shelf
from tests.running.service import ServiceProcess

SPEC = SPECS[Variant.TURBO]
pytestmark = pytest.mark.timeout(420)


class FullSizeService(ServiceProcess):
    start_s = 240.0


def recording(seconds: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Something with a pitch and pauses, as a voice has."""
    steps = np.arange(int(seconds * 24_000)) / 24_000
    buzz = sum(np.sin(2 * np.pi * 120 * order * steps) / order for order in range(1, 12))
    return np.asarray(0.1 * buzz * (np.sin(2 * np.pi * 2 * steps) > -0.5), dtype=np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Turbo's files, as the hub has them."""
    folder = tmp_path_factory.mktemp("turbo")
    torch.manual_seed(0)
    save_file(build_t3(Variant.TURBO).state_dict(), folder / SPEC.t3_file)
    save_file(S3Gen(meanflow=True).state_dict(), folder / SPEC.s3gen_file)
    save_file(VoiceEncoder().state_dict(), folder / SPEC.voice_encoder_file)
    letters = Tokenizer(WordLevel({chr(32 + at): at for at in range(95)}, unk_token="?"))
    letters.pre_tokenizer = Split("", "isolated")
    PreTrainedTokenizerFast(tokenizer_object=letters, unk_token="?").save_pretrained(folder)
    yield folder
    for file in folder.iterdir():
        file.unlink()


def test_a_folder_that_lacks_a_file_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="t3_turbo_v1"):
        find(Variant.TURBO, tmp_path)


def test_a_file_that_holds_something_else_is_refused(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).symlink_to(folder / SPEC.voice_encoder_file)
    with pytest.raises(EngineUnavailable, match="turbo"):
        load(Variant.TURBO, tmp_path, torch.device("cpu"))


def test_full_size_decoding_is_the_packages_token_for_token(folder: Path) -> None:
    models = load(Variant.TURBO, find(Variant.TURBO, folder), torch.device("cpu"))
    voice = listen(models, "voice", recording(6.0))
    assert voice.prompt.shape == (1, 150)
    greedy = SPEC.greedy()
    package = build_t3(Variant.TURBO).eval()
    package.load_state_dict(load_file(folder / SPEC.t3_file))
    batch = RunningBatch(models.t3, SPEC, Capacity(slots=2, length=400))
    alone, together = [], []
    for text in ("Hello there, you.", "No."):
        conditions = voice.for_t3(0.0, torch.device("cpu"), torch.float32)
        tokens = models.tokens(text, "en")
        said = package.inference_turbo(conditions, tokens[None], 1.0, 1, 1.0, 1.2, max_gen_len=9)
        alone.append(said[0].tolist())
        with torch.inference_mode():
            prompt = build(models.t3, conditions, tokens, key=("voice", 0.0), guided=False)
        joined = batch.insert(prompt, greedy, Limits(most=10, loops=False))
        assert joined is not None
        together.append(joined)
    while not all(one.end for one in together):
        batch.step([one for one in together if one.end is None])
    assert [one.tokens for one in together] == alone
    with pytest.raises(InvalidRequest, match="5 s"):
        listen(models, "voice", recording(3.0))


async def test_a_cloned_voice_speaks_and_again_without_its_recording(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ChatterboxEngine(Options(folder=folder, requests=2))
    await engine.start()
    try:
        reference = Reference("v", "digest", recording(7.0), Shelf())
        request = SpeechRequest("Yes.", "v", seed=1, chunk_size=25, reference=reference)
        chunks = await first_two(engine, request)
        await engine.forget("v")
        monkeypatch.setattr(preparing, "listen", None)
        again = await first_two(engine, request)
    finally:
        await engine.aclose()
    samples = np.concatenate([chunk.samples for chunk in chunks])
    assert [len(chunk.samples) for chunk in chunks] == [6 * 960, 12 * 960]
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1.0
    np.testing.assert_allclose(np.concatenate([c.samples for c in again]), samples, atol=1e-3)


async def first_two(engine: ChatterboxEngine, request: SpeechRequest) -> list[SpeechChunk]:
    async with aclosing(engine.speak(request)) as spoken:
        return [await anext(spoken) for _ in range(2)]


def test_the_service_offers_it_and_speaks(folder: Path) -> None:
    built_in = folder / "conds.pt"
    models = load(Variant.TURBO, folder, torch.device("cpu"))
    voice = listen(models, "voice", recording(6.0))
    t3 = {"speaker_emb": voice.speaker, "cond_prompt_speech_tokens": voice.prompt}
    torch.save({"t3": t3, "gen": voice.reference}, built_in)
    del models
    environ = {"TTS_ENGINE": "chatterbox", "TTS_MODEL_DIR": str(folder), "TTS_DEVICE": "cpu"}
    with (
        FullSizeService("tts", **environ) as service,
        httpx.Client(base_url=service.url, timeout=300, trust_env=False) as client,
    ):
        assert client.get("/health").json()["engine"]["model"] == "chatterbox-turbo"
        asked = {"model": "tts-1", "voice": "alloy", "input": "Yes.", "response_format": "pcm"}
        with client.stream("POST", "/v1/audio/speech", json=asked) as answer:
            assert answer.status_code == 200
            first = next(answer.iter_bytes(6 * 960 * 2))
    assert len(first) == 6 * 960 * 2
