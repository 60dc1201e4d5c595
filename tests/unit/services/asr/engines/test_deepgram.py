"""The Deepgram engine against a local server that speaks its live protocol."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from services.asr.engines.base import EMPTY, TranscribeOptions
from services.asr.engines.deepgram import DeepgramEngine
from services.asr.engines.deepgram_results import Results, whole_file
from shared.errors import (
    DeadlineExceeded,
    EngineUnavailable,
    ParleyError,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
)
from tests.doubles.upstream_asr import DeepgramServer, deepgram_results

SECOND = np.full(16_000, 0.1, np.float32)


@asynccontextmanager
async def engine_for(
    handle: Callable[[ServerConnection], Awaitable[None]],
    check: Callable[[ServerConnection, Request], Response | None] | None = None,
    *,
    timeout_s: float = 5.0,
) -> AsyncIterator[DeepgramEngine]:
    async with serve(handle, "127.0.0.1", 0, process_request=check) as listener:
        port = listener.sockets[0].getsockname()[1]
        engine = DeepgramEngine(f"http://127.0.0.1:{port}/v1", "k", "nova-3", timeout_s=timeout_s)
        await engine.start()
        yield engine
        await engine.aclose()


@pytest.fixture
def server() -> DeepgramServer:
    return DeepgramServer()


@pytest.fixture
async def engine(server: DeepgramServer) -> AsyncIterator[DeepgramEngine]:
    async with engine_for(server.handle, server.check) as engine:
        yield engine


async def test_a_turn_streams_partials_and_ends_with_its_final(
    engine: DeepgramEngine, server: DeepgramServer
) -> None:
    utterance = engine.open(TranscribeOptions("en", prompt="Parley, Silero"))
    for _ in range(3):
        utterance.feed(SECOND)
    async with asyncio.timeout(10):
        while (await utterance.partial()).text != "w0 w1 w2":
            await asyncio.sleep(0.01)
    final = await utterance.final()
    assert (final.text, final.language) == ("w0 w1 w2", "en")
    assert final.confidence == pytest.approx(0.8)
    assert await utterance.final() == final
    assert server.commands == ["Finalize"]
    assert server.key == "Token k"
    for part in ("model=nova-3", "encoding=linear16", "language=en", "keyterm=Parley"):
        assert part in server.path
    utterance.settle(1.6)
    assert (await utterance.final()).text == "w2"
    await utterance.aclose()
    await asyncio.wait_for(server.closed.wait(), 10)
    assert server.commands[-1] == "CloseStream"


async def test_more_speech_after_a_final_is_asked_for_anew(
    engine: DeepgramEngine, server: DeepgramServer
) -> None:
    utterance = engine.open(TranscribeOptions())
    utterance.feed(SECOND)
    assert (await utterance.final()).text == "w0"
    utterance.feed(SECOND)
    assert (await utterance.final()).text == "w0 w0"
    assert server.commands == ["Finalize", "Finalize"]
    assert "language=multi" in server.path
    await utterance.aclose()


async def test_nothing_fed_is_nothing_said(engine: DeepgramEngine) -> None:
    utterance = engine.open(TranscribeOptions())
    assert await utterance.final() == EMPTY
    await utterance.aclose()


async def test_a_silent_line_is_kept_alive(
    engine: DeepgramEngine, server: DeepgramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.asr.engines.deepgram_utterance.KEEP_ALIVE_S", 0.01)
    utterance = engine.open(TranscribeOptions())
    utterance.feed(SECOND)
    async with asyncio.timeout(10):
        while "KeepAlive" not in server.commands:
            await asyncio.sleep(0.01)
    await utterance.aclose()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (HTTPStatus.UNAUTHORIZED, UpstreamRefused),
        (HTTPStatus.TOO_MANY_REQUESTS, UpstreamLimited),
        (HTTPStatus.BAD_GATEWAY, UpstreamFailed),
    ],
)
async def test_a_refused_line_has_our_name_for_it(
    engine: DeepgramEngine, server: DeepgramServer, status: HTTPStatus, error: type[ParleyError]
) -> None:
    server.refusal = status
    utterance = engine.open(TranscribeOptions())
    utterance.feed(SECOND)
    with pytest.raises(error):
        await utterance.final()
    with pytest.raises(error):
        await utterance.partial()
    await utterance.aclose()


@pytest.mark.parametrize("way", ["abort", "close", "rubbish", "error"])
async def test_a_line_that_fails_is_told(way: str) -> None:
    async def handle(connection: ServerConnection) -> None:
        await connection.recv()
        if way == "abort":
            connection.transport.abort()
        elif way == "rubbish":
            await connection.send("no json")
            await connection.wait_closed()
        elif way == "error":
            await connection.send('{"type":"Error","description":"no credit"}')
            await connection.wait_closed()

    async with engine_for(handle) as engine:
        utterance = engine.open(TranscribeOptions())
        utterance.feed(SECOND)
        with pytest.raises(UpstreamFailed):
            await utterance.final()
        await utterance.aclose()


async def test_an_answer_that_never_comes_is_a_timeout(server: DeepgramServer) -> None:
    server.answers = False
    async with engine_for(server.handle, server.check, timeout_s=0.3) as engine:
        utterance = engine.open(TranscribeOptions())
        utterance.feed(SECOND)
        with pytest.raises(DeadlineExceeded):
            await utterance.final()
        await utterance.aclose()


async def test_what_is_settled_already_needs_no_answer(server: DeepgramServer) -> None:
    """Deepgram promises none when it holds nothing more, as after a pause that it saw itself."""

    async def handle(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(deepgram_results("hello", is_final=True, duration=1.0))
        await connection.wait_closed()

    async with engine_for(handle, timeout_s=20) as engine:
        utterance = engine.open(TranscribeOptions())
        utterance.feed(SECOND)
        found = await utterance.final()
        await utterance.aclose()

    assert (found.text, found.warnings) == ("hello", ())


async def test_last_words_that_nobody_confirms_are_taken_with_a_warning(
    server: DeepgramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.asr.engines.deepgram_utterance.UNCONFIRMED_S", 0.1)
    server.answers = False
    async with engine_for(server.handle, server.check, timeout_s=20) as engine:
        utterance = engine.open(TranscribeOptions())
        utterance.feed(SECOND)
        found = await utterance.final()
        await utterance.aclose()

    assert found.text == "w0"
    assert [code for code, _ in found.warnings] == ["partial_result"]


@pytest.mark.parametrize(
    "results",
    [
        {"channel": [1]},
        {"channel": {"alternatives": [{"words": None}]}},
        {"channel": {"alternatives": [{"words": ["a"]}]}},
        {"channel": {"alternatives": [{"languages": 3}]}},
        {"channel": {"alternatives": [{"words": [{"word": "a", "start": 0}]}]}},
        {"channel": {}, "start": "soon"},
    ],
)
def test_results_that_cannot_be_read_are_a_failure(results: dict[str, Any]) -> None:
    with pytest.raises(UpstreamFailed):
        Results().take(json.dumps({"type": "Results", **results}))


@pytest.mark.parametrize("body", [b'{"results": null}', b'{"results": {"channels": 3}}'])
def test_a_whole_file_that_cannot_be_read_is_a_failure(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        whole_file(body)


async def test_nobody_there_is_a_failure() -> None:
    engine = DeepgramEngine("http://127.0.0.1:1/v1", "k", "nova-3")
    utterance = engine.open(TranscribeOptions())
    utterance.feed(SECOND)
    with pytest.raises(UpstreamFailed):
        await utterance.final()
    with pytest.raises(UpstreamFailed):
        await engine.transcribe(SECOND, TranscribeOptions())
    await engine.aclose()


async def test_a_key_is_needed() -> None:
    engine = DeepgramEngine("http://127.0.0.1:1/v1", "", "nova-3")
    with pytest.raises(EngineUnavailable, match="ASR_UPSTREAM_KEY"):
        await engine.start()
    await engine.aclose()


def test_interim_words_are_replaced_and_final_ones_kept() -> None:
    found = Results()
    found.take(deepgram_results("one", "too"))
    found.take(deepgram_results("one", "two", is_final=True))
    found.take(deepgram_results("three", start=2))
    assert found.transcript().text == "one two three"
    assert found.transcript(after=1.0).text == "two three"
    found.take('{"type":"Metadata"}')
    found.take('{"type":"UtteranceEnd","last_word_end":2}')
    assert found.finalized == 0


def test_a_whole_files_answer_is_read() -> None:
    channel: dict[str, Any] = json.loads(deepgram_results("yes"))["channel"]
    channel["detected_language"] = "en"
    found = whole_file(json.dumps({"results": {"channels": [channel]}}).encode())
    assert (found.text, found.language) == ("yes", "en")
    assert whole_file(b"{}").text == ""
    with pytest.raises(UpstreamFailed):
        whole_file(b"[]")
