"""Who sits out a step for whom, and that it costs them nothing but the wait."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from services.tts.engines.base import SpeechRequest
from services.tts.engines.chatterbox.engine import BUILT_IN
from services.tts.engines.chatterbox.listener import AMPLE_S, Listener, taking_part
from services.tts.engines.chatterbox.model import ChatterboxModel
from services.tts.engines.chatterbox.variants import Variant
from services.tts.engines.chatterbox.vocode import SpeechStream
from services.tts.engines.priority import AHEAD, FIRST, LATER
from tests.chatterbox import small
from tests.chatterbox.test_engine import engine, spoken
from tests.chatterbox.test_model import SIZES, SpeechJob, job, run, sound
from tests.doubles.clock import ManualClock

LONG = "The first of the clauses is here, and the second one. " * 4


def request(**changed: Any) -> SpeechRequest:
    return SpeechRequest("Hello.", "", **changed)


def running(clock: ManualClock) -> ChatterboxModel:
    return ChatterboxModel(small.models(Variant.TURBO), SIZES, watermark=None, clock=clock)


def state(one: SpeechJob) -> Any:
    return one.state


def stored(model: ChatterboxModel, one: SpeechJob, seconds: float) -> list[Any]:
    """Step a request alone until its listener has so much in store; time stands still."""
    made: list[Any] = []
    for _ in range(1000):
        if one.request.listener.seconds(1000.0) > seconds:
            return made
        (step,) = model.step([one])
        assert not step.done
        made.extend(step.outputs)
    raise AssertionError("it never got so far ahead")


def test_a_listener_hears_a_second_a_second_and_waits_in_a_gap() -> None:
    listener = Listener.of(request(), 10.0)
    assert (listener.until, listener.priority(10.0)) == (None, FIRST)
    listener.hear(2.0, 12.0)
    assert listener.seconds(12.5) == 1.5
    assert listener.seconds(20.0) == 0.0
    listener.hear(1.0, 20.0)
    assert listener.seconds(20.0) == 1.0
    assert listener.priority(20.0) == LATER
    listener.hear(5.0, 20.0)
    assert listener.priority(20.0) == AHEAD


def test_a_request_says_what_its_listener_has_in_store() -> None:
    assert Listener.of(request(first=False), 10.0).seconds(10.0) == 0.0
    ahead = Listener.of(request(first=False, ahead=True), 10.0)
    assert ahead.seconds(10.0) > AMPLE_S
    assert ahead.priority(10.0) == AHEAD
    assert ahead.priority(12.0) == LATER
    assert Listener.of(request(whole=True), 10.0).priority(10.0) == LATER


@pytest.mark.parametrize(
    ("stores", "parts"),
    [
        ([None, 0.2, 2.0, 3.5], [True, True, True, False]),
        ([0.5, 3.5], [True, False]),
        ([2.0, 3.5, 9.0], [True, True, True]),
        ([9.0], [True]),
    ],
)
def test_the_ample_yield_to_the_pressed_only(stores: list[float | None], parts: list[bool]) -> None:
    listeners = [Listener(None if store is None else 100.0 + store) for store in stores]
    assert taking_part(listeners, 100.0) == parts


def test_a_stream_seconds_ahead_yields_to_a_newcomer_and_says_the_same_after() -> None:
    (expected,) = run(running(ManualClock()), [job(Variant.TURBO, 0, text=LONG)]).values()
    clock = ManualClock()
    model = running(clock)
    ahead, newcomer = job(Variant.TURBO, 0, text=LONG), job(Variant.TURBO, 1)
    made = stored(model, ahead, AMPLE_S)
    held = len(state(ahead).decoding.tokens)
    sat_out = 0
    while newcomer.request.listener.seconds(clock.now()) < 1.0:
        first, second = model.step([ahead, newcomer])
        assert first.outputs == ()
        assert not second.done
        assert len(state(ahead).decoding.tokens) == held
        assert ahead.priority == AHEAD
        sat_out += 1
    assert sat_out > 25
    model.step([ahead, newcomer])
    assert len(state(ahead).decoding.tokens) == held + 1
    clock.advance(60.0)
    (rest,) = run(model, [ahead]).values()
    np.testing.assert_allclose(sound(made + rest), sound(expected), atol=1e-3)


def test_who_yields_comes_back_when_their_store_has_run_down() -> None:
    clock = ManualClock()
    model = running(clock)
    ahead, newcomer = job(Variant.TURBO, 0, text=LONG), job(Variant.TURBO, 1)
    stored(model, ahead, AMPLE_S)
    held = len(state(ahead).decoding.tokens)
    model.step([ahead, newcomer])
    assert len(state(ahead).decoding.tokens) == held
    clock.advance(2.0)
    model.step([ahead, newcomer])
    assert len(state(ahead).decoding.tokens) == held + 1


def test_a_request_of_a_listener_with_sound_in_store_joins_after_the_pressed() -> None:
    clock = ManualClock()
    model = running(clock)
    later, newcomer = job(Variant.TURBO, 0), job(Variant.TURBO, 1)
    speech = later.request
    later.request = replace(speech, listener=Listener.of(request(first=False, ahead=True), 1000.0))
    steps = model.step([later, newcomer])
    assert steps[0].outputs == ()
    assert later.state is None
    assert state(newcomer).decoding is not None
    clock.advance(2.0)
    model.step([later, newcomer])
    assert state(later).decoding is not None


def test_first_chunks_are_made_before_anybodys_later_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = ManualClock()
    model = running(clock)
    old, new = job(Variant.TURBO, 0, text=LONG), job(Variant.TURBO, 1, text=LONG)
    stored(model, old, 0.1)
    while not state(old).stream.ready or new.state is None or not state(new).stream.ready:
        with monkeypatch.context() as patched:  # both chunks fall due in the same step
            patched.setattr(model, "_vocode", lambda jobs: {})
            model.step([old, new])
    batches: list[list[SpeechStream]] = []
    render = model._vocoder.render

    def watched(streams: Sequence[SpeechStream]) -> list[torch.Tensor]:
        batches.append(list(streams))
        return render(streams)

    monkeypatch.setattr(model._vocoder, "render", watched)
    while len(batches) < 2:
        model.step([old, new])
    assert batches[0] == [state(new).stream]
    assert state(old).stream in batches[1]


def test_newcomers_put_a_later_chunk_off_for_one_step_only() -> None:
    model = running(ManualClock())
    old, *new = (job(Variant.TURBO, index, text=LONG) for index in range(3))
    old.request.listener.hear(0.1, 1000.0)
    for one in (old, *new):
        model._join(one)
        state(one).stream.tokens.extend(range(40))
    assert model._due([old, *new]) == new
    assert model._due([old, *new]) == [*new, old]
    assert model._due([old, *new]) == new


async def test_the_engine_takes_the_requests_word_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = engine()
    await speaker.start()
    runner = speaker._runner
    assert runner is not None
    submit, seen = runner.submit, []

    def watched(speech: Any, **options: Any) -> Any:
        seen.append((options["priority"], speech.listener.until is not None))
        return submit(speech, **options)

    monkeypatch.setattr(runner, "submit", watched)
    try:
        for first, ahead in ((True, False), (False, False), (False, True)):
            asked = SpeechRequest("One.", BUILT_IN, first=first, ahead=ahead)
            assert await spoken(speaker, asked)
    finally:
        await speaker.aclose()
    assert seen == [(FIRST, False), (LATER, True), (AHEAD, True)]
