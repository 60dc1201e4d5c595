"""What clients do wrong on the native socket: each gets its error, and the socket goes on."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.integration.tts.client import client
from tests.running.service import ServiceProcess

LONG = "This sentence is spoken again and again and again. " * 40

BAD_FRAMES: dict[str, tuple[str | bytes, str, str]] = {
    "no json": ("{not json", "invalid_request", "JSON"),
    "no object": ("[1, 2]", "invalid_request", "object"),
    "no type": ("{}", "invalid_request", "type"),
    "unknown type": ('{"type": "sing"}', "invalid_request", "sing"),
    "unknown field": (
        '{"type": "synthesize", "text": "x", "tempo": 1}', "invalid_request", "tempo"),
    "empty text": ('{"type": "synthesize", "text": ""}', "invalid_request", "empty"),
    "blank text": ('{"type": "synthesize", "text": " \\n\\t "}', "invalid_request", "empty"),
    "only controls": (
        '{"type": "synthesize", "text": "\\u0000\\u0007"}', "invalid_request", "nothing"),
    "only marks": ('{"type": "synthesize", "text": "... !!! ---"}', "invalid_request", "nothing"),
    "too long": (
        json.dumps({"type": "synthesize", "text": "word " * 20_000}), "too_large", "20000"),
    "unknown voice": (
        '{"type": "synthesize", "text": "x", "voice_id": "nobody"}', "not_found", "nobody"),
    "a path as voice": (
        '{"type": "synthesize", "text": "x", "voice_id": "../../etc/passwd"}', "not_found",
        "voice"),
    "unknown language": (
        '{"type": "synthesize", "text": "x", "language": "tlh"}', "invalid_request", "tlh"),
    "speed 0": ('{"type": "synthesize", "text": "x", "speed": 0}', "invalid_request", "speed"),
    "speed 9": ('{"type": "synthesize", "text": "x", "speed": 9}', "invalid_request", "speed"),
    "speed NaN": ('{"type": "synthesize", "text": "x", "speed": NaN}', "invalid_request", "speed"),
    "chunk size 0": (
        '{"type": "synthesize", "text": "x", "chunk_size": 0}', "invalid_request", "chunk_size"),
    "bad encoding": (
        '{"type": "synthesize", "text": "x", "format": {"encoding": "mp3"}}', "invalid_request",
        "encoding"),
    "bad rate": (
        '{"type": "synthesize", "text": "x", "format": {"sample_rate": 7999}}', "invalid_request",
        "sample_rate"),
    "text for nobody": ('{"type": "text", "request_id": "?", "text": "x"}', "not_found", "?"),
    "end of nothing": ('{"type": "end", "request_id": "?"}', "not_found", "?"),
    "cancel of nothing": ('{"type": "cancel", "request_id": "?"}', "not_found", "?"),
    "binary": (b"\0\0\0", "invalid_request", "binary"),
    "empty binary": (b"", "invalid_request", "binary"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FRAMES)
async def test_a_bad_frame_is_told_and_the_socket_goes_on(tts: ServiceProcess, name: str) -> None:
    frame, code, part = BAD_FRAMES[name]
    async with client(tts) as peer:
        await peer.socket.send(frame)
        error = await peer.message()
        assert (error["type"], error["code"]) == ("error", code)
        assert part in error["message"] or part in error.get("param", "")
        await peer.send(type="synthesize", request_id="next", text="Still here.")
        await peer.until("synthesis_complete")


@pytest.mark.parametrize(
    "text",
    [
        "👍🎉",
        "a\x00b\x07c",
        "Hello мир 世界 مرحبا שלום",
        "\u202eevil\u202c",
        "x" * 1000,
        "🎉 party",
    ],
)
async def test_odd_text_is_spoken(tts: ServiceProcess, text: str) -> None:
    async with client(tts) as peer:
        await peer.send(type="synthesize", request_id="r", text=text)
        chunks, _ = await peer.until("synthesis_complete")
    assert chunks
    assert chunks[-1][0]["text_end"] == len(text)


async def test_a_lone_surrogate_is_not_the_end(tts: ServiceProcess) -> None:
    async with client(tts) as peer:
        await peer.socket.send('{"type":"synthesize","request_id":"r","text":"a \\ud800 b"}')
        message = await peer.message()
        assert message["type"] in ("error", "audio_chunk")


async def test_an_id_in_use_is_a_conflict_and_free_again_afterwards(tts: ServiceProcess) -> None:
    async with client(tts) as peer:
        await peer.send(type="synthesize", request_id="same", text="", more=True)
        await peer.send(type="synthesize", request_id="same", text="Hello")
        error = await peer.message()
        assert (error["code"], error["request_id"]) == ("conflict", "same")
        await peer.send(type="end", request_id="same")
        _, complete = await peer.until("synthesis_complete")
        assert complete["chunks_sent"] == 0
        await peer.send(type="synthesize", request_id="same", text="Hello")
        await peer.until("synthesis_complete")


async def test_text_after_its_end_and_cancel_after_the_end_are_told(tts: ServiceProcess) -> None:
    async with client(tts) as peer:
        await peer.send(type="synthesize", request_id="r", text="Hello", more=True)
        await peer.send(type="end", request_id="r")
        await peer.until("synthesis_complete")
        for kind, rest in (("text", {"text": "x"}), ("cancel", {})):
            await peer.send(type=kind, request_id="r", **rest)
            assert (await peer.message())["code"] == "not_found"


async def test_too_many_open_requests_are_refused_and_the_open_ones_go_on(
    tts: ServiceProcess,
) -> None:
    async with client(tts) as peer:
        for number in range(17):
            await peer.send(type="synthesize", request_id=str(number), text="", more=True)
        error = await peer.message()
        assert (error["code"], error["request_id"]) == ("rate_limited", "16")
        assert error["retryable"] is True
        await peer.send(type="cancel", request_id="0")
        assert (await peer.message())["type"] == "cancelled"
        await peer.send(type="synthesize", request_id="16", text="", more=True)
        await peer.send(type="end", request_id="16")
        assert (await peer.message())["type"] == "synthesis_complete"


async def test_too_much_text_in_pieces_ends_the_request_only(tts: ServiceProcess) -> None:
    async with client(tts) as peer:
        await peer.send(type="synthesize", request_id="r", text="", more=True)
        await peer.send(type="text", request_id="r", text="x" * 20_001)
        assert (await peer.message())["code"] == "too_large"
        await peer.send(type="cancel", request_id="r")
        _, over = await peer.until("cancelled")
        assert over["chunks_sent"] == 0


async def test_a_silent_client_stays_while_it_answers_pings(quick: ServiceProcess) -> None:
    async with connect(quick.ws) as socket:
        assert json.loads(await socket.recv())["type"] == "ready"
        for _ in range(3):
            async with asyncio.timeout(20):
                ping = json.loads(await socket.recv())
            assert ping["type"] == "ping"
            await socket.send(json.dumps({"type": "pong", "t": ping["t"]}))
        await socket.send(json.dumps({"type": "ping", "t": 1.5}))
        message: dict[str, Any] = {}
        while message.get("type") != "pong":
            message = json.loads(await socket.recv())
        assert message["t"] == 1.5


async def test_who_stops_reading_slows_only_itself_and_is_let_go(quick: ServiceProcess) -> None:
    before = quick.memory()
    async with connect(quick.ws, max_queue=1, ping_interval=None) as socket:
        await socket.recv()
        await socket.send(json.dumps({"type": "synthesize", "request_id": "r", "text": LONG * 8}))
        async with client(quick) as peer:
            await peer.send(type="synthesize", request_id="r", text="Nobody waits for the other.")
            await peer.until("synthesis_complete")
        await quick.until_places_taken(0)
        assert quick.memory() - before < 64 * 1024 * 1024
        socket.transport.abort()
