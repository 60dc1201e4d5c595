"""Bad input and bad clients at the real service: each gets its answer, the service goes on."""

import asyncio
import contextlib
import json
import signal
import socket
from contextlib import AsyncExitStack

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from shared.audio.pcm import Encoding, encode
from tests.audio.speech import speech
from tests.integration.asr.client import client
from tests.integration.asr.watching import (
    get,
    metric,
    places_taken,
    threads,
    until_open_files,
    until_places_taken,
)
from tests.running.holder import holder
from tests.running.process import Process

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACES = 30
PUSH_TO_TALK = {"vad": {"enabled": False}}
SECOND = speech("what is the weather today")[:16_000]


@pytest.mark.parametrize(
    ("frame", "named"),
    [
        ("hello", "not JSON"),
        ("{", "not JSON"),
        ("[1]", "JSON object"),
        ("{}", "type"),
        ('{"type":"shout"}', "shout"),
        ('{"type":"config","colour":"red"}', "colour"),
        ('{"type":"config","sample_rate":7}', "sample_rate"),
        ('{"type":"config","vad":{"threshold":2}}', "threshold"),
        ('{"type":"config","model":"no-such-model"}', "no-such-model"),
        ('{"type":"silence","ms":-1}', "ms"),
    ],
)
async def test_a_bad_message_is_named_and_the_stream_goes_on(
    instant: Process, frame: str, named: str
) -> None:
    async with client(instant.ws, **PUSH_TO_TALK) as speaking:
        await speaking.socket.send(frame)
        error = await speaking.next("error")
        await speaking.say(SECOND)
        await speaking.send(type="flush")
        final = await speaking.next("final")

    assert error["code"] in {"invalid_request", "not_found"}
    assert not error["retryable"]
    assert named in error["message"]
    assert final["text"] == "w0 w1 w2 w3"


async def test_frames_may_be_empty_and_end_within_a_sample(instant: Process) -> None:
    audio = encode(SECOND, Encoding.S16LE)
    async with client(instant.ws, **PUSH_TO_TALK) as speaking:
        for piece in (b"", audio[:1], audio[1:4], audio[4:10_001], b"", audio[10_001:]):
            await speaking.socket.send(piece)
        await speaking.send(type="flush")
        final = await speaking.next("final")

    assert final["text"] == "w0 w1 w2 w3"
    assert final["end"] == 1.0


async def test_samples_that_are_no_numbers_are_refused_and_the_stream_goes_on(
    instant: Process,
) -> None:
    async with client(instant.ws, encoding="f32le", **PUSH_TO_TALK) as speaking:
        await speaking.socket.send(np.array([0.1, np.nan], "<f4").tobytes())
        error = await speaking.next("error")
        await speaking.say(SECOND, Encoding.F32LE)
        await speaking.send(type="flush")
        final = await speaking.next("final")

    assert error["code"] == "invalid_request"
    assert final["end"] == 1.0


async def test_a_frame_of_minutes_is_worked_through(instant: Process) -> None:
    minutes = np.tile(np.concatenate([SECOND, 0 * SECOND]), 60)
    async with client(instant.ws, **PUSH_TO_TALK, partials=False) as speaking:
        await speaking.socket.send(encode(minutes, Encoding.S16LE) + b"\0")
        await speaking.send(type="flush")
        final = await speaking.next("final", within_s=40)

    assert final["end"] == 120.0
    assert len(final["text"].split()) == 480


async def test_the_format_cannot_change_once_audio_was_sent(instant: Process) -> None:
    async with client(instant.ws) as speaking:
        await speaking.say(SECOND)
        await speaking.send(type="config", sample_rate=8_000)
        error = await speaking.next("error")
        await speaking.send(type="config", sample_rate=16_000, language="en", environment="noisy")
        await speaking.send(type="end")
        async for text in speaking.socket:
            assert json.loads(text)["type"] != "error"

    assert error["param"] == "sample_rate"


async def test_a_message_beyond_the_limit_closes_the_connection(instant: Process) -> None:
    async with client(instant.ws) as speaking:
        with contextlib.suppress(ConnectionClosed):
            await speaking.socket.send(bytes(17 * 1024 * 1024))
        await speaking.socket.wait_closed()

    assert speaking.socket.close_code == 1009
    await until_places_taken(instant, 0)


async def test_who_is_silent_but_answers_stays(instant: Process) -> None:
    async with client(instant.ws, **PUSH_TO_TALK) as speaking:
        for _ in range(8):  # at 0.4 s each, longer than a frozen one may stay
            text = json.loads(await speaking.socket.recv())
            assert text["type"] == "ping"
            await speaking.send(type="pong", t=text["t"])
        await speaking.say(SECOND)
        await speaking.send(type="flush")

        assert (await speaking.next("final"))["text"]


async def test_who_is_silent_and_does_not_answer_is_let_go(instant: Process) -> None:
    async with connect(f"{instant.ws}/ws", proxy=None):
        await until_places_taken(instant, 1)
        await until_places_taken(instant, 0)


@pytest.mark.parametrize(
    ("path", "asks"),
    [
        ("/ws", '{"type":"ping","t":1' + "0" * 200 + "}"),
        ("/v1/realtime", '{"type":"input_audio_buffer.clear","for":"' + "nobody" * 30 + '"}'),
    ],
)
async def test_who_sends_and_never_reads_is_let_go(instant: Process, path: str, asks: str) -> None:
    reader, writer = await _deaf(instant, path)
    try:
        await until_places_taken(instant, 1)
        frame = bytes([0x81, 0xFE]) + len(asks).to_bytes(2, "big") + b"\0\0\0\0" + asks.encode()
        writer.write(frame * 100_000)

        await until_places_taken(instant, 0, within_s=30)
    finally:
        writer.transport.abort()
        del reader


async def test_who_vanishes_or_freezes_leaves_a_free_place(instant: Process) -> None:
    address = f"{instant.ws}/ws"
    async with holder([address]) as killed, holder([address] * 2) as frozen:
        assert await places_taken(instant) == 3
        killed.kill()
        frozen.send_signal(signal.SIGSTOP)

        await until_places_taken(instant, 0)


async def test_a_frozen_realtime_client_leaves_a_free_place_and_a_silent_one_stays(
    instant: Process,
) -> None:
    """OpenAI's protocol has no pings: those of the line beneath it ask."""
    address = f"{instant.ws}/v1/realtime"
    async with connect(address, proxy=None, ping_interval=None) as silent:
        assert json.loads(await silent.recv())["type"] == "session.created"
        async with holder([address] * 2) as frozen:
            assert await places_taken(instant) == 3
            frozen.send_signal(signal.SIGSTOP)
            await until_places_taken(instant, 1)

        await silent.send('{"type":"input_audio_buffer.clear"}')
        assert json.loads(await silent.recv())["type"] == "input_audio_buffer.cleared"
    await until_places_taken(instant, 0)


async def test_thirty_fit_the_next_is_refused_and_thirty_fit_again(instant: Process) -> None:
    await _fill(instant)  # whatever is made once is made now
    await until_places_taken(instant, 0)
    before = threads(instant)

    async with AsyncExitStack() as stack:
        killed = await stack.enter_async_context(holder([f"{instant.ws}/ws"] * 5))
        frozen = await stack.enter_async_context(holder([f"{instant.ws}/ws"] * 5))
        held = [
            await stack.enter_async_context(connect(f"{instant.ws}/ws", proxy=None))
            for _ in range(20)
        ]
        assert await places_taken(instant) == PLACES
        await _check_refused(instant)
        killed.kill()
        frozen.send_signal(signal.SIGSTOP)
        await _leave(held)
        await until_places_taken(instant, 0)

    await _fill(instant)
    await until_places_taken(instant, 0)
    assert await metric(instant, "parley_asr_connections") == 0
    assert await metric(instant, "parley_asr_errors_total", 'code="internal_error"') == 0
    assert threads(instant) <= before
    await until_open_files(instant, 20)


async def _leave(held: list[ClientConnection]) -> None:
    """In four ways, five each: closing, ``end``, a torn connection, nonsense on the wire."""
    for each in held[:5]:
        await each.close()
    for each in held[5:10]:
        await each.send('{"type":"end"}')
    for each in held[10:15]:
        each.transport.abort()
    for each in held[15:]:
        each.transport.write(b"\xff" * 64)


async def _check_refused(service: Process) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{service.ws}/ws", proxy=None)
    response = refused.value.response
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert json.loads(response.body)["error"]["code"] == "at_capacity"
    assert (await get(service, "/live")).status_code == 200


async def _fill(service: Process) -> None:
    """Thirty speak at once, and each gets its text."""

    async def speak() -> None:
        async with client(service.ws, **PUSH_TO_TALK) as speaking:
            await speaking.say(SECOND)
            await speaking.finish()
            assert [final["text"] for final in speaking.finals()] == ["w0 w1 w2 w3"]

    async with asyncio.TaskGroup() as group:
        for _ in range(PLACES):
            group.create_task(speak())


async def _deaf(service: Process, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection whose receive window closes soon, because nobody reads it."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", service.port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=2048)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert b"101" in await reader.readline()
    return reader, writer
