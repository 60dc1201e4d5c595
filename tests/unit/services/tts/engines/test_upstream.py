"""Servers of others: what they are asked, and what their failures become."""

from collections.abc import Iterator
from contextlib import aclosing

import pytest

from services.tts.engines.base import Engine, SpeechChunk, SpeechRequest
from services.tts.engines.elevenlabs import ElevenLabsEngine
from services.tts.engines.openai_speech import OpenAiSpeechEngine
from services.tts.engines.upstream import Address, UpstreamOptions
from services.tts.engines.upstream import SpeechServer as SpeechServerClient
from shared.errors import (
    DeadlineExceeded,
    EngineUnavailable,
    ParleyError,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
)
from tests.doubles.clock import ManualClock
from tests.doubles.upstream_tts import KEY, SpeechServer, speech_server

TEXT = "Hello there, world. This goes on for a while."


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    with speech_server() as server:
        yield server


def made(
    kind: str, url: str, *, key: str = KEY, clock: ManualClock | None = None, timeout_s: float = 5
) -> Engine:
    headers = {"xi-api-key": key} if kind == "elevenlabs" else {"Authorization": f"Bearer {key}"}
    upstream = SpeechServerClient(Address(url, headers, 4, timeout_s), clock=clock)
    options = UpstreamOptions("a-model", ("hum", "drone"), 4)
    engine = ElevenLabsEngine if kind == "elevenlabs" else OpenAiSpeechEngine
    return engine(upstream, options)


async def speak(engine: Engine, **options: object) -> list[SpeechChunk]:
    request = SpeechRequest(TEXT, "hum", **options)  # type: ignore[arg-type]
    async with aclosing(engine.speak(request)) as chunks:
        return [chunk async for chunk in chunks]


KINDS = pytest.mark.parametrize("kind", ["openai", "elevenlabs"])


async def test_openai_is_asked_as_it_documents(server: SpeechServer) -> None:
    engine = made("openai", server.url)
    await speak(engine, speed=1.5, instructions="Whisper.")
    assert server.asked == [
        {"path": "/audio/speech", "model": "a-model", "voice": "hum", "input": TEXT,
         "response_format": "pcm", "speed": 1.5, "instructions": "Whisper."}
    ]  # fmt: skip
    await engine.aclose()


async def test_elevenlabs_is_asked_as_it_documents_and_tells_the_words(
    server: SpeechServer,
) -> None:
    engine = made("elevenlabs", server.url)
    await engine.start()
    chunks = await speak(engine, language="en-US", emotion=0.7)
    assert server.asked == [
        {"path": "/v1/text-to-speech/hum/stream/with-timestamps?output_format=pcm_24000",
         "text": TEXT, "model_id": "a-model", "language_code": "en",
         "voice_settings": {"speed": 1.0, "style": 0.7}}
    ]  # fmt: skip
    words = [word for chunk in chunks for word in chunk.words]
    assert words[0].end == pytest.approx(0.25)
    assert not any(word.estimated for word in words)
    await engine.aclose()


FAILURES = {
    "401": UpstreamRefused,
    "400": UpstreamRefused,
    "429": UpstreamLimited,
    "500": UpstreamFailed,
    "cut": UpstreamFailed,
    "hang": DeadlineExceeded,
}


@KINDS
@pytest.mark.parametrize("failure", FAILURES)
async def test_each_failure_has_its_error(kind: str, failure: str, server: SpeechServer) -> None:
    engine = made(kind, server.url, timeout_s=0.3)
    await engine.start()
    server.failure = failure
    with pytest.raises(ParleyError) as caught:
        await speak(engine)
    assert type(caught.value) is FAILURES[failure]
    if failure == "429":
        assert caught.value.retry_after_s == 7
    server.failure = ""
    assert await speak(engine)
    await engine.aclose()


async def test_what_is_no_chunk_is_a_failure(server: SpeechServer) -> None:
    engine = made("elevenlabs", server.url)
    await engine.start()
    server.failure = "garbage"
    with pytest.raises(UpstreamFailed, match="no chunk"):
        await speak(engine)
    await engine.aclose()


@KINDS
async def test_a_server_that_keeps_failing_is_left_alone_for_a_while(
    kind: str, server: SpeechServer
) -> None:
    clock = ManualClock()
    engine = made(kind, server.url, clock=clock)
    await engine.start()
    server.failure = "500"
    for _ in range(3):
        with pytest.raises(UpstreamFailed):
            await speak(engine)
    asked = len(server.asked)
    with pytest.raises(EngineUnavailable) as caught:
        await speak(engine)
    assert caught.value.retry_after_s
    assert len(server.asked) == asked
    server.failure = ""
    clock.advance(6)
    assert await speak(engine)
    await engine.aclose()


@KINDS
async def test_a_wrong_key_is_told_at_the_start(kind: str, server: SpeechServer) -> None:
    engine = made(kind, server.url, key="wrong")
    with pytest.raises(EngineUnavailable, match="TTS_UPSTREAM_KEY"):
        await engine.start()
    await engine.aclose()


async def test_voices_that_elevenlabs_lacks_are_told_at_the_start(server: SpeechServer) -> None:
    upstream = SpeechServerClient(Address(server.url, {"xi-api-key": KEY}, 4))
    engine = ElevenLabsEngine(upstream, UpstreamOptions("m", ("nobody",), 4))
    with pytest.raises(EngineUnavailable, match="TTS_UPSTREAM_VOICES"):
        await engine.start()
    await engine.aclose()
