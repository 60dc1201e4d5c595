"""The turn model: its features, its deadline, and what happens when it is asked too much."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from services.asr.engines import smart_turn
from services.asr.engines.base import SAMPLE_RATE, Samples
from services.asr.engines.smart_turn import FILE_NAME, SmartTurn, find_model, log_mel
from tests.audio.recordings import load, needs_recordings, recordings

MODEL = find_model()
needs_model = pytest.mark.skipif(MODEL is None, reason=f"no {FILE_NAME}: install pipecat-ai")


@pytest.mark.parametrize("seconds", [0.5, 8.0, 11.0])
def test_features_are_whispers_own(seconds: float) -> None:
    audio = np.random.default_rng(0).normal(0.01, 0.1, int(seconds * SAMPLE_RATE))
    samples = audio.astype(np.float32)
    whole = np.zeros(8 * SAMPLE_RATE, np.float32)
    tail = samples[-len(whole) :]
    whole[len(whole) - len(tail) :] = tail
    normal = (whole - whole.mean()) / np.sqrt(whole.var() + 1e-7)

    ours = log_mel(samples)
    theirs = FeatureExtractor(chunk_length=8)(normal, padding=0)[:, :800]

    assert ours.shape == (80, 800)
    assert np.abs(ours - theirs).max() < 1e-3


def test_a_configured_file_must_be_there(tmp_path: Path) -> None:
    there = tmp_path / "model.onnx"
    there.write_bytes(b"")

    assert find_model(str(there)) == there
    assert find_model(str(tmp_path / "other.onnx")) is None


def test_without_the_package_the_hubs_cache_is_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / FILE_NAME
    asked: list[tuple[str, str]] = []

    def cache(repository: str, name: str) -> str | None:
        asked.append((repository, name))
        return str(kept) if kept.exists() else None

    monkeypatch.setattr(smart_turn, "find_spec", lambda _name: None)
    monkeypatch.setattr(smart_turn, "try_to_load_from_cache", cache)

    assert find_model() is None
    kept.touch()
    assert find_model() == kept
    assert asked == [("pipecat-ai/smart-turn-v3", FILE_NAME)] * 2


class Slow(SmartTurn):
    """Judges when it is let."""

    def __init__(self, path: Path, *, deadline_s: float) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.skipped: list[str] = []
        super().__init__(path, threads=1, deadline_s=deadline_s, on_skip=self.skipped.append)

    def probability(self, samples: Samples) -> float:
        """Wait for the gate."""
        self.gate.wait(10)
        return super().probability(samples)


@pytest.fixture
def slow() -> Iterator[Slow]:
    assert MODEL is not None
    model = Slow(MODEL, deadline_s=5)
    yield model
    model.gate.set()
    model.close()


@needs_model
async def test_a_judgement_is_a_probability(slow: Slow) -> None:
    probability = await slow.judge(np.zeros(SAMPLE_RATE, np.float32))

    assert probability is not None
    assert 0 <= probability <= 1
    assert slow.skipped == []


@needs_model
async def test_a_judgement_that_is_late_is_skipped_and_counted() -> None:
    assert MODEL is not None
    model = Slow(MODEL, deadline_s=0.01)
    model.gate.clear()

    assert await model.judge(np.zeros(SAMPLE_RATE, np.float32)) is None
    model.gate.set()
    model.close()

    assert model.skipped == ["late"]


@needs_model
async def test_too_many_at_once_are_not_queued(slow: Slow) -> None:
    slow.gate.clear()
    samples = np.zeros(SAMPLE_RATE, np.float32)
    waiting = [asyncio.create_task(slow.judge(samples)) for _ in range(4)]
    await asyncio.sleep(0)

    assert await slow.judge(samples) is None
    assert slow.skipped == ["busy"]

    slow.gate.set()
    assert None not in await asyncio.gather(*waiting)


@needs_model
@needs_recordings
async def test_whole_phrases_are_more_complete_than_halves(slow: Slow) -> None:
    phrases = recordings("vap-phrases-synthetic/live_")
    pause = np.zeros(SAMPLE_RATE // 5, np.float32)

    def mean(share: float) -> float:
        heard = [load(phrase["file"]) for phrase in phrases]
        cut = [np.concatenate([audio[: int(len(audio) * share)], pause]) for audio in heard]
        return float(np.mean([slow.probability(audio) for audio in cut]))

    assert mean(1.0) > mean(0.5) + 0.1
