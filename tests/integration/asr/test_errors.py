"""Each way an engine can fail is the exception of the `openai` package that belongs to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import openai
import pytest

from services.asr.app import build
from services.asr.config import AsrSettings
from services.asr.engines.base import Samples, TranscribeOptions, Transcript
from shared.errors import EngineFailed, ParleyError
from tests.audio.sounds import sound_file
from tests.audio.speech import RATE, speech
from tests.doubles.asr_engine import InstantEngine
from tests.integration.openai_errors import is_told, kinds
from tests.running.app import serving

SAID = speech("I would like to book a flight to London")
HUSH = np.zeros(3 * RATE, np.float32)


class FailingEngine(InstantEngine):
    """Fails as told, after so many windows."""

    def __init__(self, kind: type[ParleyError], after: int = 0) -> None:
        super().__init__()
        self._kind = kind
        self._left = after

    async def transcribe(self, samples: Samples, options: TranscribeOptions) -> Transcript:
        """Some windows, then the error."""
        if not self._left:
            raise self._kind("as told", retry_after_s=2.0)
        self._left -= 1
        return await super().transcribe(samples, options)


@asynccontextmanager
async def hearing(engine: FailingEngine) -> AsyncIterator[openai.AsyncOpenAI]:
    settings = AsrSettings.model_validate({"ASR_SMART_TURN": "off"})
    async with (
        build(settings, engine) as service,
        serving(service.app) as address,
        openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client,
    ):
        yield client


def upload(times: int) -> tuple[str, bytes]:
    """So many sentences, each in a window of its own."""
    return "said.wav", sound_file("wav", np.concatenate([SAID, *[HUSH, SAID] * (times - 1)]), RATE)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", kinds())
async def test_a_failure_before_the_first_words(kind: type[ParleyError], stream: bool) -> None:
    async with hearing(FailingEngine(kind)) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            await client.audio.transcriptions.create(
                file=upload(1), model="whisper-1", stream=stream
            )
    assert is_told(caught.value, kind)
    assert caught.value.response.headers["retry-after"] == "2"


async def test_a_failure_later_is_raised_among_the_events() -> None:
    async with hearing(FailingEngine(EngineFailed, after=1)) as client:
        events = await client.audio.transcriptions.create(
            file=upload(60), model="whisper-1", stream=True
        )
        first = await anext(events)
        with pytest.raises(openai.APIError, match="as told") as caught:
            await anext(events)
    assert first.type == "transcript.text.delta"
    assert caught.value.code == "engine_failed"


async def test_nobody_there() -> None:
    async with openai.AsyncOpenAI(
        base_url="http://127.0.0.1:1/v1", api_key="none", max_retries=0
    ) as client:
        with pytest.raises(openai.APIConnectionError):
            await client.models.list()
