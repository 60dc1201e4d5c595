from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.asr.engines.base import Transcript
from services.asr.engines.whisper.guards import Thresholds
from services.asr.engines.whisper.load import Device, load
from services.asr.engines.whisper.model import Weights, WhisperModel
from services.asr.engines.whisper.window import Window
from shared.errors import OutOfMemory
from shared.scheduling.job import Job
from tests.models.random_whisper import write
from tests.models.tiny_whisper.evaluate import WEIGHTS

PATIENT = Thresholds(compression_ratio=1e9, avg_logprob=-1e9)
"""Accepts what random weights say."""


def noise(seconds: float, seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    random = np.random.default_rng(seed)
    return (random.standard_normal(int(seconds * 16000)) * 0.1).astype(np.float32)


def windows(beam: int = 1) -> list[Window]:
    chosen = ((2.0, "en"), (5.0, "de"), (7.5, None), (3.0, "fr"), (4.0, "en"))
    return [
        Window(noise(seconds, seed), language, beam=beam, logprobs=True)
        for seed, (seconds, language) in enumerate(chosen)
    ]


def run(model: WhisperModel, requests: Sequence[Window]) -> list[Transcript]:
    steps = model.step([Job(window) for window in requests])
    assert all(step.done for step in steps)
    return [step.outputs[0] for step in steps]


@pytest.fixture(scope="module", params=["float32", "int8"])
def weights(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Weights:
    folder = tmp_path_factory.mktemp("whisper") / request.param
    quantization = "int8" if request.param == "int8" else ""
    return load(
        write(folder, quantization=quantization), "random", Device("cpu", 0, request.param, 1)
    )


@pytest.mark.parametrize("beam", [1, 5])
def test_a_window_in_a_batch_gives_what_it_gives_alone(weights: Weights, beam: int) -> None:
    model = WhisperModel(weights, thresholds=PATIENT)
    together = run(model, windows(beam))
    alone = [run(model, [window])[0] for window in windows(beam)]
    assert any(one.text for one in alone)
    for batched, single in zip(together, alone, strict=True):
        assert batched.text == single.text
        assert batched.language == single.language
        assert [s.tokens for s in batched.segments] == [s.tokens for s in single.segments]
        assert [(w.word, w.start, w.end) for w in batched.words] == [
            (w.word, w.start, w.end) for w in single.words
        ]
        assert batched.confidence == pytest.approx(single.confidence, rel=1e-4)


def test_equally_long_windows_are_aligned_as_if_alone(weights: Weights) -> None:
    model = WhisperModel(weights, thresholds=PATIENT)
    requests = [Window(noise(4.0, seed), "en") for seed in range(4)]
    together = run(model, requests)
    assert len({len(one.words) for one in together}) > 1
    for batched, window in zip(together, requests, strict=True):
        single = run(model, [window])[0]
        assert [(w.start, w.end) for w in batched.words] == [(w.start, w.end) for w in single.words]


def test_word_times_are_monotonic_and_inside_the_window(weights: Weights) -> None:
    for window in windows():
        words = run(WhisperModel(weights, thresholds=PATIENT), [window])[0].words
        times = [time for word in words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert all(0 <= time <= window.seconds for time in times)


def test_the_log_probabilities_name_every_token(weights: Weights) -> None:
    found = run(WhisperModel(weights, thresholds=PATIENT), windows()[:1])[0]
    assert "".join(piece for piece, _ in found.token_logprobs).strip() == found.text
    assert all(value <= 0 for _, value in found.token_logprobs)


def test_only_the_broken_window_stays_for_the_next_temperature(weights: Weights) -> None:
    model = WhisperModel(weights, thresholds=Thresholds(1e9, avg_logprob=-1e9))
    scores = [one.segments[0].avg_logprob for one in run(model, windows())]
    lowest, next_lowest, *_ = sorted(scores)
    between = (lowest + next_lowest) / 2
    model = WhisperModel(weights, thresholds=Thresholds(1e9, avg_logprob=between, no_speech=1.0))
    jobs = [Job[Window, Transcript](replace(w, temperatures=(0.0, 0.5))) for w in windows()]
    first = model.step(jobs)
    assert [step.done for step in first].count(False) == 1
    broken = jobs[[step.done for step in first].index(False)]
    assert model.group(broken) != model.group(Job(broken.request))
    (second,) = model.step([broken])
    assert second.done
    assert second.outputs[0].segments == () or second.outputs[0].segments[0].tokens
    model.release(broken)
    assert broken.state is None


def test_what_the_model_calls_silence_has_no_text(weights: Weights) -> None:
    model = WhisperModel(weights, thresholds=Thresholds(avg_logprob=0.0, no_speech=0.0))
    found = run(model, windows()[:1])[0]
    assert found.text == ""
    assert found.suppressed == "no_speech"


def test_timestamps_cut_the_text_into_segments(weights: Weights) -> None:
    model = WhisperModel(weights, thresholds=PATIENT)
    window = replace(windows()[2], timestamps=True, language="en")
    found = run(model, [window])[0]
    edges = [edge for segment in found.segments for edge in (segment.start, segment.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= window.seconds for edge in edges)


def test_prompts_of_equal_length_share_a_batch_and_others_do_not(weights: Weights) -> None:
    model = WhisperModel(weights)
    plain, one, other = windows()[0], replace(windows()[0], prompt=(5, 6)), windows()[1]
    assert model.group(Job(plain)) == model.group(Job(other))
    assert model.group(Job(plain)) != model.group(Job(one))
    assert model.group(Job(one)) == model.group(Job(replace(other, prompt=(7, 8))))


def test_an_english_model_takes_no_language(english_whisper: str) -> None:
    loaded = load(Path(english_whisper), "english", Device("cpu", 0, "float32", 1))
    found = run(WhisperModel(loaded, thresholds=PATIENT), windows()[1:2])[0]
    assert loaded.vocabulary.languages == ("en",)
    assert found.language == "en"


class Cramped:
    """The real weights on a device whose memory holds a few windows."""

    def __init__(self, weights: Weights, room: int) -> None:
        self._model = weights.model
        self._room = room

    def encode(self, features: Any) -> Any:
        if features.shape[0] > self._room:
            raise RuntimeError("CUDA failed with error out of memory")
        return self._model.encode(features)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def test_memory_that_is_full_is_told_as_such_and_changes_nothing(weights: Weights) -> None:
    cramped = replace(weights, model=Cramped(weights, 1))
    model = WhisperModel(cramped, thresholds=PATIENT)
    jobs = [Job[Window, Transcript](window) for window in windows()]
    with pytest.raises(OutOfMemory):
        model.step(jobs)
    assert all(job.state is None for job in jobs)
    assert model.step(jobs[:1])[0].done


def test_the_ladder_ends(weights: Weights) -> None:
    remaining = iter([replace(weights, name="small")])
    model = WhisperModel(weights, smaller=lambda: next(remaining, None))
    assert model.degrade() == "small"
    assert model.weights.name == "small"
    assert model.degrade() is None
    assert run(model, windows()[:1]), "the last one works on"


def test_a_model_leaves_the_device_before_the_next_smaller_one_comes(weights: Weights) -> None:
    steps: list[str] = []

    class Device:
        def unload_model(self, *, to_cpu: bool) -> None:
            steps.append(f"unload, {to_cpu}")

        def load_model(self) -> None:
            steps.append("load")

    def smaller() -> Weights | None:
        steps.append("smaller")
        return None

    model = WhisperModel(replace(weights, model=Device()), smaller=smaller)

    assert model.degrade() is None
    assert steps == ["unload, True", "smaller", "load"]


def test_a_window_without_text_has_numbers_all_the_same() -> None:
    tiny = WhisperModel(load(WEIGHTS, "tiny", Device("cpu", 0, "int8", 1)))
    found = run(tiny, [Window(noise(2.0, 1) * np.float32(0.02), temperatures=(0.0,))])[0]
    assert found.text == ""
    assert 0 <= found.confidence <= 1
