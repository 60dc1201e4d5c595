"""The guided variants at full size with random weights: from files to tokens and sound.

Each takes 3 GB of files, up to 10 GiB of memory and minutes, so they run where they are asked for:
`PARLEY_FULL_SIZE=1 make test-chatterbox PYTEST='-k guided'`.
"""

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from chatterbox.models.s3gen import S3Gen
from chatterbox.models.voice_encoder import VoiceEncoder
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

from services.tts.engines.base import SpeechChunk, SpeechRequest
from services.tts.engines.chatterbox.decode import Capacity, RunningBatch
from services.tts.engines.chatterbox.guards import Limits
from services.tts.engines.chatterbox.load import Models, build_t3, find, load
from services.tts.engines.chatterbox.model import ChatterboxModel
from services.tts.engines.chatterbox.prompt import build
from services.tts.engines.chatterbox.sizes import Sizes
from services.tts.engines.chatterbox.utterance import Speech
from services.tts.engines.chatterbox.variants import SPECS, Variant
from services.tts.engines.chatterbox.voice import VoiceConditions, listen
from shared.scheduling.job import Job
from tests.chatterbox.test_full_size import recording

CPU = torch.device("cpu")
STEPS = 6
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif("PARLEY_FULL_SIZE" not in os.environ, reason="PARLEY_FULL_SIZE is not set"),
]


def save(module: Any, file: Path) -> None:
    """In the form that the hub has the file in."""
    if file.suffix == ".safetensors":
        save_file(module.state_dict(), file)
    else:
        torch.save(module.state_dict(), file)


@pytest.fixture(params=[Variant.ENGLISH, Variant.MULTILINGUAL], ids=lambda variant: variant.value)
def loaded(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Models, Any]]:
    """A variant, loaded from files as the hub has them, and the package's own T3."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    spec = SPECS[request.param]
    torch.manual_seed(0)
    t3 = build_t3(spec.variant)
    marks = {"[START]": t3.hp.start_text_token, "[STOP]": t3.hp.stop_text_token, "[UNK]": 1}
    known = {**marks, **{chr(97 + at): 2 + at for at in range(26)}}
    unused = {f"<{at}>": at for at in {*range(t3.hp.start_text_token)} - {*known.values()}}
    words = WordLevel({**unused, **known}, unk_token="[UNK]")
    tokenizer = Tokenizer(words)
    tokenizer.pre_tokenizer = Split("", "isolated")
    tokenizer.save(str(tmp_path / spec.tokenizer_file))
    save(t3, tmp_path / spec.t3_file)
    save(S3Gen(), tmp_path / spec.s3gen_file)
    save(VoiceEncoder(), tmp_path / spec.voice_encoder_file)
    yield load(spec.variant, find(spec.variant, tmp_path), CPU), t3.eval()
    for file in tmp_path.iterdir():
        file.unlink()


def package(models: Models, t3: Any, voice: VoiceConditions, tokens: torch.Tensor) -> list[int]:
    greedy = models.spec.greedy()
    said = t3.inference(
        t3_cond=voice.for_t3(0.5, CPU, torch.float32),
        text_tokens=tokens[None].expand(2, -1),
        max_new_tokens=STEPS,
        temperature=1.0,
        top_p=0.0,
        min_p=0.05,
        repetition_penalty=greedy.repetition_penalty,
        cfg_weight=greedy.cfg_weight,
    )
    spoken: list[int] = said[0].tolist()
    return spoken


def test_guided_variants_say_what_the_package_says_and_sound(
    loaded: tuple[Models, Any],
) -> None:
    models, t3 = loaded
    spec = models.spec
    greedy = spec.greedy()
    voice = listen(models, "voice", recording(6.0))
    texts = [models.tokens(text, "en") for text in ("hello there you", "no")]
    alone = [package(models, t3, voice, tokens) for tokens in texts]
    batch = RunningBatch(models.t3, spec, Capacity(slots=4, length=300))
    together = []
    for tokens in texts:
        with torch.inference_mode():
            conditions = voice.for_t3(0.5, CPU, torch.float32)
            prompt = build(models.t3, conditions, tokens, key=("voice", 0.5), guided=True)
        joined = batch.insert(prompt, greedy, Limits(most=STEPS, loops=False))
        assert joined is not None
        together.append(joined)
        batch.step(together)
    while not all(one.end for one in together):
        batch.step([one for one in together if one.end is None])
    assert [one.tokens for one in together] == alone
    request = SpeechRequest("hello there", "", chunk_size=25)
    speaking = ChatterboxModel(models, Sizes(requests=1, vocode=1), watermark=None)
    job: Job[Speech, SpeechChunk] = Job(Speech(request, voice, spec.sampling))
    outputs: list[Any] = []
    while not outputs:
        (step,) = speaking.step([job])
        assert step.error is None
        outputs.extend(step.outputs)
    assert len(outputs[0].samples) == 6 * 960
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{spec.variant.value}: tokens {alone}, most memory so far {used:.1f} GiB")  # noqa: T201
