"""Each way an engine can fail is the exception of the `openai` package that belongs to it."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import openai
import pytest

from services.tts.app import build
from services.tts.config import TtsSettings
from services.tts.engines.base import SpeechChunk, SpeechRequest
from shared.errors import EngineFailed, ParleyError
from tests.doubles.instant_tts import InstantEngine
from tests.integration.openai_errors import is_told, kinds
from tests.running.app import serving


class FailingEngine(InstantEngine):
    """Fails as told, after so many chunks."""

    def __init__(self, kind: type[ParleyError], after: int = 0) -> None:
        super().__init__()
        self._kind = kind
        self._after = after

    async def speak(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        """Some chunks, then the error."""
        made = 0
        async for chunk in super().speak(request):
            if made == self._after:
                raise self._kind("as told", retry_after_s=2.0)
            made += 1
            yield chunk


@asynccontextmanager
async def talking(engine: FailingEngine, folder: Path) -> AsyncIterator[openai.AsyncOpenAI]:
    settings = TtsSettings.model_validate({"TTS_VOICE_DIR": str(folder)})
    async with (
        build(settings, engine) as service,
        serving(service.app) as address,
        openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client,
    ):
        yield client


async def speak(client: openai.AsyncOpenAI) -> bytes:
    answer = await client.audio.speech.create(
        model="tts-1", voice="hum", input="A sentence that is more than a chunk long."
    )
    return answer.content


@pytest.mark.parametrize("kind", kinds())
async def test_a_failure_before_the_first_sound(kind: type[ParleyError], tmp_path: Path) -> None:
    async with talking(FailingEngine(kind), tmp_path) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            await speak(client)
    assert is_told(caught.value, kind)
    assert caught.value.response.headers["retry-after"] == "2"


async def test_a_failure_later_cuts_the_sound_off(tmp_path: Path) -> None:
    async with talking(FailingEngine(EngineFailed, after=2), tmp_path) as client:
        with pytest.raises(openai.APIConnectionError):
            await speak(client)


async def test_a_failure_later_is_an_event_among_events(tmp_path: Path) -> None:
    async with talking(FailingEngine(EngineFailed, after=2), tmp_path) as client:
        body = {"input": "A sentence that is more than a chunk long.", "stream_format": "sse"}
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{client.base_url}audio/speech", json=body)
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line]
    assert answer.status_code == 200
    assert [event["type"] for event in events][-2:] == ["speech.audio.delta", "error"]
    assert events[-1]["error"]["code"] == "engine_failed"


async def test_nobody_there() -> None:
    async with openai.AsyncOpenAI(
        base_url="http://127.0.0.1:1/v1", api_key="none", max_retries=0
    ) as client:
        with pytest.raises(openai.APIConnectionError):
            await speak(client)
