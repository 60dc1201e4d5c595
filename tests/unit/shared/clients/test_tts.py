"""The TTS client against a scripted server: chunks, several requests, lost lines."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection

from shared import errors
from shared.clients.connection import Endpoint
from shared.clients.speech import MOST_WAITING
from shared.clients.tts import TtsClient
from shared.protocol import tts
from shared.protocol.base import ErrorMessage, Limits, Message, WarningMessage, parse
from tests.doubles.clock import ManualClock
from tests.doubles.scripted_server import cut, say, scripted
from tests.doubles.tts_service import ScriptedTts

READY = tts.Ready(
    session_id="s",
    engine="e",
    model="m",
    sample_rate=24_000,
    voices=("default",),
    limits=Limits(max_connections=1, max_message_bytes=1),
)
AUDIO = np.full(240, 0.5, "<f4").tobytes()
VOICES = tts.Voices(voices=(tts.VoiceMessage(voice_id="v", name="V"),), default="v")


def chunk(request_id: str, number: int = 0) -> tts.AudioChunk:
    return tts.AudioChunk(request_id=request_id, chunk_id=number, duration_ms=10)


def done(request_id: str, chunks: int = 1) -> tts.SynthesisComplete:
    return tts.SynthesisComplete(request_id=request_id, total_duration_ms=10, chunks_sent=chunks)


async def heard(server: ServerConnection) -> tts.TtsClientMessage:
    return parse(tts.TTS_CLIENT, str(await server.recv()))


async def greeted(server: ServerConnection) -> tts.Synthesize:
    await say(server, READY)
    message = await heard(server)
    assert isinstance(message, tts.Synthesize)
    return message


async def tokens(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


async def test_a_text_is_spoken_chunk_by_chunk() -> None:
    async def act(server: ServerConnection) -> None:
        request = await greeted(server)
        assert (request.text, request.more, request.speed) == ("Hello.", False, 1.5)
        name = request.request_id or ""
        for number in range(3):
            await say(server, chunk(name, number), AUDIO)
        await say(server, done(name, 3))
        await server.wait_closed()

    async with scripted(act) as stage, TtsClient(stage.endpoint) as client:
        assert client.ready == READY
        chunks = [each async for each in client.speak("Hello.", tts.Synthesize(speed=1.5))]
    assert [each.message.chunk_id for each in chunks] == [0, 1, 2]
    np.testing.assert_array_equal(chunks[0].samples, np.full(240, 0.5, np.float32))


async def test_text_may_come_bit_by_bit() -> None:
    async def act(server: ServerConnection) -> None:
        request = await greeted(server)
        assert (request.text, request.more) == ("", True)
        name = request.request_id or ""
        assert await heard(server) == tts.Text(request_id=name, text="Hel")
        await say(server, chunk(name), AUDIO)
        assert await heard(server) == tts.Text(request_id=name, text="lo.")
        assert await heard(server) == tts.End(request_id=name)
        await say(server, done(name))
        await server.wait_closed()

    async with scripted(act) as stage, TtsClient(stage.endpoint) as client:
        assert len([each async for each in client.speak(tokens("Hel", "lo."))]) == 1


async def test_requests_share_the_line_without_mixing() -> None:
    async def act(server: ServerConnection) -> None:
        first = (await greeted(server)).request_id or ""
        second_message = await heard(server)
        assert isinstance(second_message, tts.Synthesize)
        second = second_message.request_id or ""
        await say(server, chunk(second, 7), AUDIO, chunk(first, 3), AUDIO)
        await say(server, done(first), done(second))
        await server.wait_closed()

    async with scripted(act) as stage, TtsClient(stage.endpoint) as client:
        first = await client.request(tts.Synthesize(text="a"))
        second = await client.request(tts.Synthesize(text="b"))
        assert [each.message.chunk_id async for each in first] == [3]
        assert [each.message.chunk_id async for each in second] == [7]
        assert first.complete is not None


async def test_closing_the_generator_cancels() -> None:
    cancelled = asyncio.Event()

    async def act(server: ServerConnection) -> None:
        name = (await greeted(server)).request_id or ""
        await say(server, chunk(name), AUDIO, chunk(name, 1), AUDIO)
        assert await heard(server) == tts.Cancel(request_id=name)
        await say(server, chunk(name, 2), AUDIO)
        await say(server, tts.Cancelled(request_id=name, chunks_sent=3))
        cancelled.set()
        await server.wait_closed()

    async with scripted(act) as stage, TtsClient(stage.endpoint) as client:
        speaking = client.speak("A long text.")
        assert (await anext(speaking)).message.chunk_id == 0
        await speaking.aclose()
        await asyncio.wait_for(cancelled.wait(), 5)


async def test_a_text_source_that_fails_cancels_and_is_told() -> None:
    async def failing() -> AsyncIterator[str]:
        yield "Hello"
        raise LookupError("the model went away")

    async def act(server: ServerConnection) -> None:
        await greeted(server)
        await server.wait_closed()

    async with scripted(act) as stage, TtsClient(stage.endpoint) as client:
        with pytest.raises(LookupError, match="went away"):
            [each async for each in client.speak(failing())]


async def test_a_consumer_that_is_far_behind_holds_the_line() -> None:
    async def act(server: ServerConnection) -> None:
        name = (await greeted(server)).request_id or ""
        for number in range(4 * MOST_WAITING):
            await say(server, chunk(name, number), AUDIO)
        await say(server, done(name))
        await server.wait_closed()

    async with scripted(act) as stage, TtsClient(stage.endpoint) as client:
        request = await client.request(tts.Synthesize(text="a"))
        numbers = []
        async for each in request:
            numbers.append(each.message.chunk_id)
            await asyncio.sleep(0)
    assert numbers == list(range(4 * MOST_WAITING))


@pytest.mark.parametrize("named", [True, False])
async def test_a_refused_request_raises_what_the_server_said(named: bool) -> None:
    async def act(server: ServerConnection) -> None:
        name = (await greeted(server)).request_id
        await say(
            server, ErrorMessage.of(errors.NotFound("no such voice"), name if named else None)
        )
        await server.wait_closed()

    async with scripted(act) as stage, TtsClient(stage.endpoint) as client:
        with pytest.raises(errors.NotFound, match="no such voice"):
            [each async for each in client.speak("Hello.")]


async def test_warnings_are_kept_with_the_request() -> None:
    async def act(server: ServerConnection) -> None:
        name = (await greeted(server)).request_id or ""
        await say(server, WarningMessage(code="unsupported_option", message="m", request_id=name))
        await say(server, done(name, 0))
        await server.wait_closed()

    async with scripted(act) as stage, TtsClient(stage.endpoint) as client:
        request = await client.request(tts.Synthesize(text="a", emotion=0.9))
        assert [each async for each in request] == []
        assert [warning.code for warning in request.warnings] == ["unsupported_option"]


async def test_what_was_not_heard_yet_is_said_again_on_a_new_line() -> None:
    async def first(server: ServerConnection) -> None:
        await greeted(server)
        cut(server)

    async def second(server: ServerConnection) -> None:
        request = await greeted(server)
        assert request.text == "Hello."
        name = request.request_id or ""
        await say(server, chunk(name), AUDIO, done(name))
        await server.wait_closed()

    async with scripted(first, second) as stage, TtsClient(stage.endpoint) as client:
        assert len([each async for each in client.speak("Hello.")]) == 1


async def test_what_was_heard_in_part_fails_and_the_next_request_gets_a_line() -> None:
    async def first(server: ServerConnection) -> None:
        name = (await greeted(server)).request_id or ""
        await say(server, chunk(name), AUDIO)
        cut(server)

    async def second(server: ServerConnection) -> None:
        name = (await greeted(server)).request_id or ""
        await say(server, chunk(name), AUDIO, done(name))
        await server.wait_closed()

    async with scripted(first, second) as stage, TtsClient(stage.endpoint) as client:
        with pytest.raises(errors.UpstreamFailed, match="lost while speaking"):
            [each async for each in client.speak("Hello.")]
        assert len([each async for each in client.speak("Again.")]) == 1


async def test_a_service_that_stays_away_fails_what_waits() -> None:
    async def act(server: ServerConnection) -> None:
        await greeted(server)
        server.server.close(close_connections=False)
        cut(server)

    async with scripted(act) as stage, TtsClient(stage.endpoint, patience_s=0.0) as client:
        with pytest.raises(errors.UpstreamFailed, match="not answering"):
            [each async for each in client.speak("Hello.")]


async def test_who_asks_a_service_that_stays_away_is_told_soon_until_it_is_back() -> None:
    service, clock = ScriptedTts(), ManualClock()
    async with AsyncExitStack() as stack:
        async with service.running():
            endpoint = Endpoint(service.url)
            client = await stack.enter_async_context(TtsClient(endpoint, clock=clock))
        first = asyncio.ensure_future(anext(client.speak("Hello.")))
        await asyncio.wait({first}, timeout=0.3)  # it is waiting, or about to
        clock.advance(60)
        with pytest.raises(errors.UpstreamFailed, match="not answering"):
            await first
        with pytest.raises(errors.UpstreamFailed, match="not answering"):
            await anext(client.speak("Hello?"))  # by a clock that stands still
        async with service.running(urlsplit(service.url).port or 0):
            while not await spoken(client):
                await asyncio.sleep(0.02)


async def spoken(client: TtsClient) -> bool:
    try:
        return bool([each async for each in client.speak("Hello!")])
    except errors.UpstreamFailed:
        return False


async def test_questions_about_voices() -> None:
    registered = tts.VoiceRegistered(voice_id="me", duration_s=5.0)
    deleted = tts.VoiceDeleted(voice_id="me")

    async def act(server: ServerConnection) -> None:
        answers: list[Message] = [VOICES, registered, deleted]
        await say(server, READY)
        for answer, kind in zip(
            answers, (tts.ListVoices, tts.RegisterVoice, tts.DeleteVoice), strict=True
        ):
            assert isinstance(await heard(server), kind)
            await say(server, answer)
        await heard(server)
        await say(server, ErrorMessage.of(errors.NotFound("no such voice")))
        await server.wait_closed()

    async with scripted(act) as stage, TtsClient(stage.endpoint) as client:
        assert await client.voices() == VOICES
        message = tts.RegisterVoice(voice_id="me", reference_audio="", consent=True)
        assert await client.register_voice(message) == registered
        assert await client.delete_voice("me") == deleted
        with pytest.raises(errors.NotFound):
            await client.delete_voice("me")


async def test_an_answer_to_another_question_is_an_error() -> None:
    async def act(server: ServerConnection) -> None:
        await say(server, READY)
        await heard(server)
        await say(server, VOICES)
        await server.wait_closed()

    async with scripted(act) as stage, TtsClient(stage.endpoint) as client:
        with pytest.raises(errors.UpstreamFailed, match="another question"):
            await client.delete_voice("me")


async def test_leaving_ends_open_requests() -> None:
    async def act(server: ServerConnection) -> None:
        await greeted(server)
        await server.wait_closed()

    async with scripted(act) as stage:
        async with TtsClient(stage.endpoint) as client:
            request = await client.request(tts.Synthesize(text="a"))
        with pytest.raises(errors.UpstreamFailed, match="closed"):
            [each async for each in request]
