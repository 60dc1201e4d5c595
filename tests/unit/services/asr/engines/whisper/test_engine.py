import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.asr.engines.base import EMPTY, Priority, Samples, TranscribeOptions, Transcript
from services.asr.engines.whisper.engine import WhisperEngine, WhisperSettings
from services.asr.engines.whisper.load import Device
from services.asr.engines.whisper.model import WhisperJob, WhisperModel
from shared.errors import EngineUnavailable, InvalidRequest
from shared.scheduling.job import Step
from tests.models.tiny_whisper.evaluate import WEIGHTS

ENGLISH = TranscribeOptions("en")


def noise(seconds: float, seed: int = 0) -> Samples:
    random = np.random.default_rng(seed)
    return (random.standard_normal(int(seconds * 16_000)) * 0.1).astype(np.float32)


@pytest.fixture
async def engine(random_whisper: str) -> AsyncIterator[WhisperEngine]:
    settings = WhisperSettings(
        random_whisper, device="cpu", compute_type="float32", threads=1, short_windows=(4.0,)
    )
    engine = WhisperEngine(settings)
    await engine.start()
    yield engine
    await engine.aclose()


async def test_it_says_what_it_is(engine: WhisperEngine) -> None:
    info = engine.info
    assert (info.name, info.model) == ("whisper", "model")
    assert 1 <= info.capacity <= 30
    assert {"de", "en"} <= set(info.languages)
    assert {"words", "translate", "detect_language"} <= info.capabilities


async def test_it_tells_that_there_was_no_gpu(
    random_whisper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: 0)
    settings = WhisperSettings(random_whisper, compute_type="float32", threads=1)
    engine = WhisperEngine(settings, reason="chosen by auto")
    await engine.start()
    assert engine.info.reason == "chosen by auto; on the CPU: no CUDA device found"
    await engine.aclose()


async def test_many_turns_at_once_give_what_each_gives_alone(engine: WhisperEngine) -> None:
    async def turn(seed: int) -> str:
        utterance = engine.open(replace(ENGLISH, owner=str(seed)))
        utterance.feed(noise(1 + seed / 4, seed))
        return (await utterance.final()).text

    alone = [await turn(seed) for seed in range(3)]
    assert await asyncio.gather(*map(turn, range(3))) == alone


async def test_a_newer_partial_replaces_the_one_that_waits(engine: WhisperEngine) -> None:
    utterance = engine.open(ENGLISH)
    utterance.feed(noise(1))
    found = await asyncio.gather(*(utterance.partial() for _ in range(5)))
    assert found[-1] is not None
    assert None in found


async def test_partials_take_a_short_window_and_finals_a_whole_one(
    engine: WhisperEngine,
) -> None:
    partial = engine._window(noise(2), ENGLISH, Priority.PARTIAL)
    final = engine._window(noise(2), ENGLISH, Priority.FINAL)
    assert (partial.frames, final.frames) == (400, 3000)
    assert len(partial.temperatures) == 1 < len(final.temperatures)
    one = engine._window(noise(2), replace(ENGLISH, temperature=0.7), Priority.FINAL)
    assert one.temperatures == (0.7,)


async def test_finals_and_files_take_a_short_window_when_asked_to(random_whisper: str) -> None:
    settings = WhisperSettings(
        random_whisper, "cpu", "float32", 1, short_windows=(4.0, 8.0), short_finals=True
    )
    engine = WhisperEngine(settings)
    await engine.start()
    files = [engine._window(noise(seconds), ENGLISH, Priority.FILE) for seconds in (2, 5, 9)]
    assert [window.frames for window in files] == [400, 800, 3000]
    assert engine._window(noise(2), ENGLISH, Priority.FINAL).frames == 400
    timed = await engine.transcribe(noise(2), replace(ENGLISH, words=True))
    assert all(word.end <= 2.0 for word in timed.words)
    await engine.aclose()


async def test_a_file_window_is_at_most_thirty_seconds(engine: WhisperEngine) -> None:
    assert await engine.transcribe(np.zeros(16_000, np.float32), ENGLISH) == EMPTY
    with pytest.raises(InvalidRequest):
        await engine.transcribe(noise(30.1), ENGLISH)


async def test_nothing_can_be_asked_before_it_is_loaded() -> None:
    engine = WhisperEngine(WhisperSettings("nowhere"))
    assert engine.info.capacity == 0
    with pytest.raises(EngineUnavailable):
        await engine.transcribe(noise(1), ENGLISH)
    await engine.aclose()


async def test_a_full_memory_ends_on_the_smaller_model_with_a_warning(
    engine: WhisperEngine, random_whisper: str
) -> None:
    settings = WhisperSettings(
        str(WEIGHTS), "cpu", "float32", 1, ladder=(str(WEIGHTS), "absent", random_whisper)
    )
    other = WhisperEngine(settings)
    await other.start()
    model = other._models[0]
    genuine = model.weights.model

    class Full:
        def encode(self, _: object) -> None:
            raise RuntimeError("CUDA failed with error out of memory")

        def __getattr__(self, name: str) -> object:
            return getattr(genuine, name)

    model.weights = replace(model.weights, model=Full())
    found = await other.transcribe(noise(2), ENGLISH)
    assert [code for code, _ in found.warnings] == ["smaller_model"]
    assert {"de", "en"} <= set(other.info.languages)
    await other.aclose()


async def test_the_ladder_only_goes_down(
    random_whisper: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whichever model it begins with: `medium` stands in nobody's list of smaller ones."""
    small, large, broken = random_whisper, str(WEIGHTS), tmp_path / "broken"
    broken.mkdir()
    (broken / "model.bin").write_bytes(b"no model")
    settings = WhisperSettings(small, "cpu", "float32", 1, ladder=(large, str(broken), "absent"))
    engine = WhisperEngine(settings)
    await engine.start()

    assert engine._models[0].degrade() is None

    assert "a smaller model cannot be loaded" in caplog.text
    assert (await engine.transcribe(noise(2), ENGLISH)).warnings == ()
    await engine.aclose()


async def test_each_of_several_devices_has_a_copy_and_a_thread(
    random_whisper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = (Device("cpu", 0, "float32", 1), Device("cpu", 0, "float32", 1))
    monkeypatch.setattr("services.asr.engines.whisper.engine.devices", lambda *_: both)
    engine = WhisperEngine(WhisperSettings(random_whisper, max_batch=1))
    await engine.start()
    one, other = engine._models
    assert one.weights.model is not other.weights.model
    threads: set[str] = set()
    met = threading.Barrier(2, timeout=20)

    def watched(model: WhisperModel) -> None:
        step = model.step

        def stepped(jobs: Sequence[WhisperJob]) -> Sequence[Step[Transcript]]:
            threads.add(threading.current_thread().name)
            met.wait()  # only two threads at once get past
            return step(jobs)

        monkeypatch.setattr(model, "step", stepped)

    watched(one)
    watched(other)
    options = TranscribeOptions("en", temperature=0.5)
    await asyncio.gather(*(engine.transcribe(noise(1, seed), options) for seed in range(2)))
    assert len(threads) == 2
    await engine.aclose()
