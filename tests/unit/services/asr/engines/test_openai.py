"""The remote OpenAI engine against a local server that speaks the protocol."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from starlette.responses import JSONResponse, Response

from services.asr.engines.base import EMPTY, TranscribeOptions
from services.asr.engines.openai import OpenAIEngine
from shared.errors import (
    DeadlineExceeded,
    EngineUnavailable,
    ParleyError,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
)
from tests.doubles.upstream_asr import OpenAIServer, Reply, openai_served

SECOND = np.full(16_000, 0.1, np.float32)


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with openai_served(OpenAIServer()) as server:
        yield server


@pytest.fixture
async def engine(server: OpenAIServer) -> AsyncIterator[OpenAIEngine]:
    engine = OpenAIEngine(server.url, "sesame", "whisper-large-v3", timeout_s=5)
    await engine.start()
    yield engine
    await engine.aclose()


def answer(status: int, headers: dict[str, str] | None = None) -> Reply:
    async def reply(_: dict[str, Any]) -> Response:
        return JSONResponse({"error": {"message": "because"}}, status, headers)

    return reply


def body(content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    async def reply(_: dict[str, Any]) -> Response:
        return Response(content, status, headers, "application/json")

    return reply


async def test_a_window_is_sent_whole_and_read_whole(
    engine: OpenAIEngine, server: OpenAIServer
) -> None:
    options = TranscribeOptions("de", prompt="Parley", temperature=0.2)
    found = await engine.transcribe(SECOND, options)
    (asked,) = server.asked
    assert asked["key"] == "Bearer sesame"
    assert asked["model"] == "whisper-large-v3"
    assert asked["timestamp_granularities[]"] == ["word", "segment"]
    assert (asked["language"], asked["prompt"], asked["temperature"]) == ("de", "Parley", "0.2")
    assert asked["bytes"] == 44 + 32_000
    assert (found.text, found.language) == ("hello there", "de")
    assert found.words[0].word == "hello"
    assert found.confidence == pytest.approx(np.exp(-0.5))
    assert found.segments[0].text == "hello there"


async def test_a_translation_goes_to_its_own_path(
    engine: OpenAIEngine, server: OpenAIServer
) -> None:
    await engine.transcribe(SECOND, TranscribeOptions("de", task="translate"))
    assert server.asked[0]["path"] == "/v1/audio/translations"
    assert "language" not in server.asked[0]


async def test_a_turn_is_asked_for_once(engine: OpenAIEngine, server: OpenAIServer) -> None:
    utterance = engine.open(TranscribeOptions())
    utterance.feed(SECOND)
    assert await utterance.partial() is None
    first = await utterance.final()
    assert await utterance.final() is first
    utterance.feed(SECOND)
    await utterance.final()
    utterance.settle(1.5)
    settled = await utterance.final()
    assert [asked["bytes"] - 44 for asked in server.asked] == [32_000, 64_000, 16_000]
    assert settled.words[0].start == pytest.approx(1.6)
    await utterance.aclose()
    assert await engine.transcribe(SECOND[:0], TranscribeOptions()) == EMPTY


async def test_a_server_without_verbose_json_is_asked_for_json(
    engine: OpenAIEngine, server: OpenAIServer
) -> None:
    async def plain(asked: dict[str, Any]) -> Response:
        if asked["response_format"] != "json":
            return JSONResponse({"error": {"message": "response_format must be json"}}, 400)
        return JSONResponse({"text": "plain"})

    server.reply = plain
    for _ in range(2):
        assert (await engine.transcribe(SECOND, TranscribeOptions())).text == "plain"
    assert [asked["response_format"] for asked in server.asked] == ["verbose_json", "json", "json"]


@pytest.mark.parametrize(
    ("reply", "error", "retry_after_s"),
    [
        (answer(401), UpstreamRefused, None),
        (answer(404), UpstreamRefused, None),
        (answer(429, {"Retry-After": "3"}), UpstreamLimited, 3),
        (answer(500), UpstreamFailed, 1),
        (answer(200), UpstreamFailed, None),
        (body(b"\xff\xfe\xff", 500), UpstreamFailed, 1),
        (body(b"\xff\xfe\xff"), UpstreamFailed, None),
        (body(b"[" * 100_000), UpstreamFailed, None),
        (body(b'{"text": null}'), UpstreamFailed, None),
        (
            body(b'{"text": "a", "words": [{"word": "a", "start": NaN, "end": 1}]}'),
            UpstreamFailed,
            None,
        ),
        (
            body(b'{"text": "", "words": [{"word": "", "start": 0, "end": 1e999}]}'),
            UpstreamFailed,
            None,
        ),
        (body(b'{"text": "a", "words": 3}'), UpstreamFailed, None),
        (body(b'{"text": "a", "segments": ["b"]}'), UpstreamFailed, None),
        (body(b"no gzip", headers={"Content-Encoding": "gzip"}), UpstreamFailed, 1),
    ],
)
async def test_its_failures_have_our_names(
    engine: OpenAIEngine,
    server: OpenAIServer,
    reply: Reply,
    error: type[ParleyError],
    retry_after_s: float | None,
) -> None:
    server.reply = reply
    with pytest.raises(error) as raised:
        await engine.transcribe(SECOND, TranscribeOptions())
    assert raised.value.retry_after_s == retry_after_s


async def test_a_silent_server_is_a_timeout(server: OpenAIServer) -> None:
    never = asyncio.Event()

    async def silent(_: dict[str, Any]) -> Response:
        await never.wait()
        return Response()

    server.reply = silent
    engine = OpenAIEngine(server.url, "", "m", timeout_s=0.2)
    with pytest.raises(DeadlineExceeded):
        await engine.transcribe(SECOND, TranscribeOptions())
    never.set()
    await engine.aclose()


async def test_a_line_that_is_cut_is_a_failure() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.transport.abort()

    listener = await asyncio.start_server(cut, "127.0.0.1", 0)
    engine = OpenAIEngine(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1", "", "m")
    with pytest.raises(UpstreamFailed):
        await engine.transcribe(SECOND, TranscribeOptions())
    with pytest.raises(EngineUnavailable, match="ASR_UPSTREAM_URL"):
        await engine.start()
    listener.close()


async def test_a_wrong_key_stops_the_service(server: OpenAIServer) -> None:
    server.models = 401
    with pytest.raises(EngineUnavailable, match="ASR_UPSTREAM_KEY"):
        await OpenAIEngine(server.url, "wrong", "m").start()
    server.models = 404
    lenient = OpenAIEngine(server.url, "right", "m")
    await lenient.start()
    await lenient.aclose()
