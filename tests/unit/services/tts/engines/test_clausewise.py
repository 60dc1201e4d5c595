"""The queue in front of an engine of this machine."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import aclosing

import numpy as np
import pytest

from services.tts.engines.base import SpeechChunk, SpeechRequest
from services.tts.engines.clausewise import ClauseEngine, Loaded
from services.tts.engines.priority import priority
from services.tts.engines.spread import Pacing, spread
from shared.clock import SystemClock
from shared.errors import DeadlineExceeded, EngineFailed
from tests.doubles.instant_tts import InstantEngine


class Gated:
    """Speaks only when it is let."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.said: list[str] = []
        self.began = threading.Event()

    def say(self, request: SpeechRequest, wanted: Callable[[], bool]) -> SpeechChunk:
        self.began.set()
        assert self.gate.wait(10)
        self.said.append(request.text if wanted() else f"{request.text} (unwanted)")
        if request.text == "fail":
            raise EngineFailed("as asked")
        return SpeechChunk(np.zeros(240, np.float32))

    def close(self) -> None:
        self.gate.set()


async def started(voice: Gated) -> ClauseEngine:
    engine = ClauseEngine(lambda: Loaded(InstantEngine().info, voice), name="gated")
    await engine.start()
    return engine


async def speak(engine: ClauseEngine, request: SpeechRequest) -> int:
    async with aclosing(engine.speak(request)) as chunks:
        return len([chunk async for chunk in chunks])


def request(text: str, **options: object) -> SpeechRequest:
    return SpeechRequest(text, "hum", **{"owner": text, **options})  # type: ignore[arg-type]


async def test_a_first_chunk_goes_before_later_ones_and_who_has_enough_comes_last() -> None:
    voice = Gated()
    engine = await started(voice)
    busy = asyncio.create_task(speak(engine, request("busy")))
    await asyncio.to_thread(voice.began.wait, 10)
    waiting = [
        asyncio.create_task(speak(engine, each))
        for each in (
            request("ahead", first=False, ahead=True),
            request("later", first=False),
            request("first"),
        )
    ]
    await asyncio.sleep(0)
    voice.gate.set()
    await asyncio.gather(busy, *waiting)
    assert voice.said == ["busy", "first", "later", "ahead"]
    await engine.aclose()


async def test_who_left_is_not_spoken_for() -> None:
    voice = Gated()
    engine = await started(voice)
    busy = asyncio.create_task(speak(engine, request("busy")))
    await asyncio.to_thread(voice.began.wait, 10)
    gone = asyncio.create_task(speak(engine, request("gone")))
    stays = asyncio.create_task(speak(engine, request("stays")))
    await asyncio.sleep(0)
    for task in (busy, gone):
        task.cancel()
    await asyncio.gather(busy, gone, return_exceptions=True)
    voice.gate.set()
    assert await stays == 1
    assert voice.said == ["busy (unwanted)", "stays"]
    await engine.aclose()


async def test_a_clause_that_waited_past_its_deadline_is_dropped() -> None:
    voice = Gated()
    engine = await started(voice)
    busy = asyncio.create_task(speak(engine, request("busy")))
    await asyncio.to_thread(voice.began.wait, 10)
    late = asyncio.create_task(speak(engine, request("late", deadline=SystemClock().now())))
    await asyncio.sleep(0)
    voice.gate.set()
    await busy
    with pytest.raises(DeadlineExceeded):
        await late
    assert voice.said == ["busy"]
    await engine.aclose()


async def test_a_failure_is_the_requests_own() -> None:
    voice = Gated()
    voice.gate.set()
    engine = await started(voice)
    with pytest.raises(EngineFailed):
        await speak(engine, request("fail"))
    assert await speak(engine, request("fine")) == 1
    await engine.aclose()


def test_priorities_are_three() -> None:
    assert [
        priority(request("x")),
        priority(request("x", first=False)),
        priority(request("x", first=False, ahead=True)),
    ] == [0, 1, 2]


def test_words_are_spread_over_all_of_the_audio() -> None:
    words = spread("One two, three.", 3.0)
    assert [word.word for word in words] == ["One", "two", "three"]
    assert words[0].start == 0
    assert words[-1].end == pytest.approx(3.0)
    assert all(word.estimated for word in words)


def test_streamed_audio_releases_each_word_once() -> None:
    pacing = Pacing("one two three four")
    released = [word.word for _ in range(3) for word in pacing.heard(2400)]
    rest = pacing.rest()
    assert [*released, *(word.word for word in rest)] == ["one", "two", "three", "four"]
    assert all(word.start == pytest.approx(0.3) for word in rest)
    assert pacing.rest() == ()
