"""One device's steps: who joins and leaves, and that nobody disturbs anybody."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from services.tts.engines.base import SpeechChunk, SpeechRequest
from services.tts.engines.chatterbox.model import ChatterboxModel
from services.tts.engines.chatterbox.sizes import Sizes
from services.tts.engines.chatterbox.utterance import Speech
from services.tts.engines.chatterbox.variants import SPECS, Variant
from services.tts.engines.chatterbox.vocode import WINDOW
from shared.errors import EngineFailed, OutOfMemory
from shared.scheduling.job import Job
from tests.chatterbox import small

TEXTS = ("One two three.", "A somewhat longer sentence than that.", "Yes.", "Four five six.")
SIZES = Sizes(requests=4, vocode=4, voices=3, prefill=32, length=400, prefix_bytes=1 << 20)
SpeechJob = Job[Speech, SpeechChunk]


@pytest.fixture(scope="module", params=list(Variant), ids=lambda variant: variant.value)
def variant(request: pytest.FixtureRequest) -> Variant:
    chosen: Variant = request.param
    return chosen


def model(variant: Variant, sizes: Sizes = SIZES) -> ChatterboxModel:
    return ChatterboxModel(small.models(variant), sizes, watermark=None)


def job(variant: Variant, index: int, **changed: Any) -> SpeechJob:
    request = SpeechRequest(text=TEXTS[index % len(TEXTS)], voice_id="", chunk_size=25)
    params = replace(SPECS[variant].sampling, seed=index)
    speech = Speech(replace(request, **changed), small.voice(index, 10 + 3 * index), params)
    return Job(speech)


def run(
    running: ChatterboxModel, jobs: list[SpeechJob], *, after: int = 0
) -> dict[SpeechJob, list[SpeechChunk]]:
    """Step until all are over; each joins ``after`` more steps than the one before."""
    made: dict[SpeechJob, list[SpeechChunk]] = {one: [] for one in jobs}
    over: set[SpeechJob] = set()
    for count in range(2000):
        live = [one for place, one in enumerate(jobs) if place * after <= count and one not in over]
        for one, step in zip(live, running.step(live), strict=True):
            assert step.error is None
            made[one].extend(step.outputs)
            if step.done:
                over.add(one)
                running.release(one)
        if len(over) == len(jobs):
            return made
    raise AssertionError("not all were over after 2000 steps")


def sound(chunks: list[SpeechChunk]) -> np.ndarray[Any, Any]:
    return np.concatenate([chunk.samples for chunk in chunks])


def test_each_request_sounds_as_it_does_alone(variant: Variant) -> None:
    together = run(model(variant), [job(variant, index) for index in range(3)], after=5)
    alone = model(variant)
    for index, chunks in enumerate(together.values()):
        (own,) = run(alone, [job(variant, index)]).values()
        assert len(chunks) == len(own) > 1
        np.testing.assert_allclose(sound(chunks), sound(own), atol=1e-3)
    assert alone.free == 4 * (1 if variant is Variant.TURBO else 2)


def test_the_first_chunk_is_the_smallest() -> None:
    (chunks,) = run(model(Variant.TURBO), [job(Variant.TURBO, 1)]).values()
    lengths = [len(chunk.samples) for chunk in chunks]
    assert lengths[:3] == [6 * 960, 12 * 960, 24 * 960]
    assert max(lengths[:-1]) == 25 * 960


def test_what_nobody_hears_before_its_end_is_made_in_one_piece() -> None:
    (streamed,) = run(model(Variant.TURBO), [job(Variant.TURBO, 1)]).values()
    (whole,) = run(model(Variant.TURBO), [job(Variant.TURBO, 1, whole=True)]).values()
    assert len(whole) == 1 < len(streamed)
    assert abs(len(sound(whole)) - len(sound(streamed))) <= 960 * 4  # the tail is trimmed by ear


def test_fewer_whole_pieces_than_chunks_share_a_batch() -> None:
    running = model(Variant.TURBO)
    jobs = [job(Variant.TURBO, index, whole=index > 0) for index in range(4)]
    for one in jobs:
        running._join(one)
        stream = one.state.stream
        stream.tokens.extend([0] * 700)
        stream.final = True
        one.request.listener.hear(1.0 + jobs.index(one), 1000.0)
    assert jobs[0].state.stream.window < WINDOW < 700 < jobs[1].state.stream.window
    assert running._due(jobs) == jobs[:3]
    assert running._due(jobs[3:]) == jobs[3:]


def test_a_cancelled_request_frees_its_slot_before_the_next_step() -> None:
    running = model(Variant.ENGLISH)
    jobs = [job(Variant.ENGLISH, index) for index in range(4)]
    for _ in range(6):
        running.step(jobs)
    assert running.free == 0
    running.release(jobs[1])
    assert running.free == 2
    newcomer = job(Variant.ENGLISH, 5)
    assert all(step.error is None for step in running.step([jobs[0], *jobs[2:], newcomer]))
    assert running.free == 0


def test_neighbours_of_a_cancelled_request_say_the_same() -> None:
    (expected,) = run(model(Variant.TURBO), [job(Variant.TURBO, 1)]).values()
    running = model(Variant.TURBO)
    stays, leaves = job(Variant.TURBO, 1), job(Variant.TURBO, 2)
    chunks: list[SpeechChunk] = []
    for _ in range(9):
        chunks.extend(running.step([stays, leaves])[0].outputs)
    running.release(leaves)
    (rest,) = run(running, [stays]).values()
    np.testing.assert_allclose(sound(chunks + rest), sound(expected), atol=1e-3)


def test_a_request_that_fails_leaves_its_neighbours_alone() -> None:
    running = model(Variant.TURBO)
    good, bad, mute, odd = (job(Variant.TURBO, index) for index in range(4))
    bad.request.voice.reference["prompt_token"] = torch.full((1, 13), 7000)
    mute.request.voice.prompt[:] = 9999
    odd.request.voice.reference["prompt_feat"] = torch.zeros(1, 38, 79)  # found by the vocoder
    errors: dict[SpeechJob, Any] = {}
    live, done = [good, bad, mute, odd], False
    for _ in range(400):
        for one, step in zip(list(live), running.step(live), strict=True):
            if step.error is not None:
                errors[one] = step.error
                live.remove(one)
                running.release(one)
            done = done or (one is good and step.done)
        if done:
            break
    assert done
    assert {type(error) for error in errors.values()} == {EngineFailed}
    assert set(errors) == {bad, mute, odd}
    told = [str(errors[one]) for one in (bad, mute)]
    assert all("outside of" in error for error in told)  # before a device looked them up


@pytest.mark.parametrize("part", ["_decode", "_vocode"])
def test_out_of_memory_changes_nothing(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (expected,) = run(model(Variant.TURBO), [job(Variant.TURBO, 0)]).values()
    running = model(Variant.TURBO)
    whole = getattr(running, part)
    failures = iter([False, False, True, True])

    def full(*args: Any) -> Any:
        if next(failures, False):
            raise torch.OutOfMemoryError("no memory")
        return whole(*args)

    monkeypatch.setattr(running, part, full)
    one = job(Variant.TURBO, 0)
    for _ in range(2):
        running.step([one])
    for _ in range(2):
        with pytest.raises(OutOfMemory):
            running.step([one])
    (chunks,) = run(running, [one]).values()
    np.testing.assert_allclose(sound(chunks), sound(expected), atol=1e-3)


def test_voices_on_the_device_are_bounded_and_can_be_forgotten() -> None:
    running = model(Variant.TURBO, replace(SIZES, prefix_bytes=40_000))
    for index in range(6):
        run(running, [job(Variant.TURBO, index, text="Hi.")])
    assert running.voices == 3
    assert running.prefix_bytes <= 40_000
    used = running.prefix_bytes
    running.forget("voice-5")
    running.step([])
    assert running.voices == 2
    assert running.prefix_bytes < used


def test_a_long_text_is_spoken_in_pieces_and_its_words_are_timed() -> None:
    text = "The first of the clauses is here, and the second one. " * 8
    (chunks,) = run(model(Variant.TURBO), [job(Variant.TURBO, 0, text=text.strip())]).values()
    words = [word for chunk in chunks for word in chunk.words]
    said = [text[word.text_start : word.text_end] for word in words]
    assert said == [word.strip(",.") for word in text.split()]
    assert all(word.estimated for word in words)
    starts = [word.start for word in words]
    assert starts == sorted(starts)
    assert starts[-1] < sum(len(chunk.samples) for chunk in chunks) / 24_000


@pytest.mark.parametrize(
    "variant", [Variant.TURBO, Variant.ENGLISH], ids=lambda variant: variant.value
)
def test_a_row_never_goes_beyond_the_positions_that_the_model_knows(variant: Variant) -> None:
    running = model(variant, replace(SIZES, length=1600))
    (chunks,) = run(running, [job(variant, 0, text="word " * 40, whole=True)]).values()
    assert [code for chunk in chunks for code, _ in chunk.warnings] == ["speech_cut"]


def test_a_runaway_is_cut_and_said_to_be() -> None:
    (chunks,) = run(model(Variant.TURBO), [job(Variant.TURBO, 2)]).values()
    assert [code for chunk in chunks for code, _ in chunk.warnings] == ["speech_cut"]
    assert sum(len(chunk.samples) for chunk in chunks) < 5 * 24_000
