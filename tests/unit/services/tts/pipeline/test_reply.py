"""A request being spoken: ahead of the sender, and over when it is told to be."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from services.tts.engines.base import SpeechChunk, SpeechRequest
from services.tts.pipeline.assembly import Piece
from services.tts.pipeline.catalogue import ChosenVoice
from services.tts.pipeline.in_use import InUse
from services.tts.pipeline.playout import Allowance, Playout
from services.tts.pipeline.reply import Reply
from services.tts.pipeline.speech import Speaker, native_speed
from services.tts.pipeline.utterance import Options, Utterance
from shared.errors import EngineFailed, InvalidRequest, NotFound
from tests.doubles.clock import ManualClock
from tests.doubles.instant_tts import InstantEngine

VOICE = ChosenVoice("hum", ("en",))


class Recording(InstantEngine):
    """Remembers what it was asked; fails where the text says so."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[SpeechRequest] = []
        self.left = 0

    async def speak(self, request: SpeechRequest):  # type: ignore[no-untyped-def]
        self.asked.append(request)
        if "fail" in request.text:
            raise EngineFailed("as asked")
        try:
            async for chunk in super().speak(request):
                yield chunk
        finally:
            self.left += 1


def reply(engine: Recording, *, unsent_s: float = 60, **options: object) -> Reply:
    utterance = Utterance("r", Options(VOICE, **options), longest=100, most_text=10_000)  # type: ignore[arg-type]
    clock = ManualClock()
    speaker = Speaker(engine, utterance, owner="me", queue_timeout_s=9, clock=clock)
    return Reply(utterance, speaker, Playout(Allowance(unsent_s), clock))


async def heard(spoken: Reply) -> float:
    seconds = 0.0
    async with spoken:
        async for piece in spoken.pieces():
            seconds += piece.seconds
            await spoken.sent(piece)
    return seconds


async def _drained(pieces: AsyncIterator[Piece]) -> None:
    async for _ in pieces:
        pass


async def test_clauses_go_to_the_engine_one_after_another() -> None:
    engine = Recording()
    spoken = reply(engine)
    spoken.utterance.whole("Hello there, my friend. This is the second clause of the text.")
    assert await heard(spoken) == pytest.approx(
        sum(len(request.text) for request in engine.asked) * 0.06, abs=0.01
    )
    assert [request.first for request in engine.asked] == [True, *[False] * (len(engine.asked) - 1)]
    assert {request.owner for request in engine.asked} == {"me"}
    assert engine.asked[0].deadline == ManualClock().now() + 9


@pytest.mark.parametrize("streaming", [True, False])
async def test_the_engine_knows_whether_anybody_hears_it_meanwhile(streaming: bool) -> None:
    engine = Recording()
    spoken = reply(engine, streaming=streaming)
    spoken.utterance.whole("Hello there, my friend.")
    assert await heard(spoken) > 1
    assert {request.whole for request in engine.asked} == {not streaming}


async def test_text_that_comes_later_is_spoken_later() -> None:
    engine = Recording()
    spoken = reply(engine)
    async with spoken:
        pieces = spoken.pieces()
        spoken.utterance.feed("Hello there, my ")
        spoken.more()
        await anext(pieces)
        spoken.utterance.feed("friend.")
        spoken.utterance.end()
        spoken.more()
        assert [piece async for piece in pieces]
    assert [request.text for request in engine.asked] == ["Hello there,", "my friend."]


async def test_the_engine_stops_where_nobody_reads() -> None:
    engine = Recording()
    spoken = reply(engine, unsent_s=2, chunk_size=5)
    spoken.utterance.whole("word " * 1000)
    async with spoken:
        first = await anext(spoken.pieces())
        assert first.seconds <= 2
        for _ in range(200):
            await asyncio.sleep(0)
        assert len(engine.asked) == 1
    assert engine.left == 1


async def test_a_cancelled_reply_ends_without_an_error() -> None:
    engine = Recording()
    spoken = reply(engine, unsent_s=1)
    spoken.utterance.whole("word " * 1000)
    async with spoken:
        pieces = spoken.pieces()
        await anext(pieces)
        await spoken.cancel()
        assert [piece async for piece in pieces] == []
    assert spoken.cancelled
    assert engine.left == len(engine.asked)


async def test_what_the_engine_says_reaches_the_reader_after_what_was_made() -> None:
    engine = Recording()
    spoken = reply(engine)
    spoken.utterance.whole("Hello there, this goes well. But this one is going to fail.")
    pieces = spoken.pieces()
    async with spoken:
        assert (await anext(pieces)).seconds
        with pytest.raises(EngineFailed):
            await _drained(pieces)


async def test_a_whole_text_without_anything_to_say_is_an_error() -> None:
    spoken = reply(Recording())
    spoken.utterance.whole("...")
    with pytest.raises(InvalidRequest, match="nothing to speak"):
        await heard(spoken)


async def test_an_incremental_text_without_anything_to_say_is_none() -> None:
    spoken = reply(Recording())
    spoken.utterance.end()
    assert await heard(spoken) == 0


async def test_a_deleted_voice_ends_its_requests_and_no_others() -> None:
    in_use = InUse()
    spoken = reply(Recording(), unsent_s=1)
    spoken.utterance.whole("word " * 1000)
    with in_use.held(spoken):
        async with spoken:
            pieces = spoken.pieces()
            await anext(pieces)
            await in_use.end("another")
            await in_use.end("hum")
            with pytest.raises(NotFound, match="deleted"):
                await _drained(pieces)
    await in_use.end("hum")


@pytest.mark.parametrize(
    ("speed", "native", "made"), [(1.0, 1.0, 4.8), (0.5, 1.0, 9.6), (2.0, 1.0, 2.4)]
)
async def test_speed_is_stretched_where_the_engine_has_none(
    speed: float, native: float, made: float
) -> None:
    engine = Recording()
    spoken = reply(engine, speed=speed)
    spoken.utterance.whole("x" * 80)
    assert await heard(spoken) == pytest.approx(made, abs=0.01)
    assert engine.asked[0].speed == native == native_speed(engine.info, speed)


async def test_warnings_of_the_engine_are_kept() -> None:
    class Degraded(Recording):
        async def speak(self, request: SpeechRequest):  # type: ignore[no-untyped-def]
            async for chunk in super().speak(request):
                yield SpeechChunk(chunk.samples, chunk.words, (("smaller_batch", "less"),))

    spoken = reply(Degraded())
    spoken.utterance.whole("Hello there.")
    await heard(spoken)
    assert spoken.speaker.warnings[0] == ("smaller_batch", "less")


async def stopped(spoken: Reply, engine: Recording) -> bool:
    """Whether the engine was left and the connection's room given back."""
    for _ in range(20):
        await asyncio.sleep(0)
    return engine.left == len(engine.asked) > 0 and not spoken._playout._allowance.unsent_s


@pytest.mark.parametrize("how", ["cancel", "fail", "leave"])
async def test_whoever_ends_it_the_engine_and_the_room_are_free_at_once(how: str) -> None:
    engine = Recording()
    spoken = reply(engine, unsent_s=2, chunk_size=5)
    spoken.utterance.whole("word " * 1000)
    async with spoken:
        first = await anext(spoken.pieces())
        await spoken.sent(first)
        for _ in range(20):
            await asyncio.sleep(0)
        assert spoken._playout._allowance.unsent_s > 1
        if how == "cancel":
            await spoken.cancel()
        elif how == "fail":
            await spoken.fail(NotFound("gone"))
        assert how == "leave" or await stopped(spoken, engine)
    assert await stopped(spoken, engine)


async def test_all_requests_of_a_deleted_voice_end_and_are_forgotten() -> None:
    in_use, engines = InUse(), (Recording(), Recording())
    one, two = (reply(engine, unsent_s=1) for engine in engines)
    for spoken in (one, two):
        spoken.utterance.whole("word " * 1000)
    with in_use.held(one), in_use.held(two):
        async with one, two:
            for spoken in (one, two):
                await spoken.sent(await anext(spoken.pieces()))
            await in_use.end("hum")
            assert await stopped(one, engines[0])
            assert await stopped(two, engines[1])
    assert not in_use._replies


async def test_who_has_seconds_in_store_lets_others_go_first() -> None:
    engine = Recording()
    spoken = reply(engine, unsent_s=1, chunk_size=5)
    spoken.utterance.whole("This is one of several sentences. " * 10)
    await heard(spoken)
    assert (engine.asked[0].ahead, engine.asked[-1].ahead) == (False, True)


@pytest.mark.parametrize(("speed", "native"), [(0.3, 0.5), (1.2, 1.2), (3.0, 1.5)])
def test_an_engine_speaks_no_faster_or_slower_than_it_can(speed: float, native: float) -> None:
    info = replace(Recording().info, capabilities=frozenset({"speed"}), native_speeds=(0.5, 1.5))
    assert native_speed(info, speed) == native
