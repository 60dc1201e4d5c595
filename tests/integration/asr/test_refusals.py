"""What a service with narrow limits refuses, as the `openai` package sees it."""

from collections.abc import Iterator

import numpy as np
import openai
import pytest
from openai import AsyncOpenAI
from websockets.asyncio.client import connect

from tests.audio.sounds import sound_file
from tests.running.service import ServiceProcess

RATE = 16_000
SILENCE = sound_file("flac", np.zeros(3 * RATE, np.float32), RATE)


@pytest.fixture(scope="module")
def narrow() -> Iterator[ServiceProcess]:
    """One place, two seconds of sound, a few requests a minute."""
    environ = {
        "ASR_ENGINE": "sphinx",
        "ASR_SMART_TURN": "off",
        "ASR_MAX_CONNECTIONS": "1",
        "ASR_MAX_DURATION": "2",
        "RATE_LIMIT_PER_MINUTE": "4",
    }
    with ServiceProcess("asr", **environ) as service:
        yield service


async def test_too_long_full_and_too_often(narrow: ServiceProcess) -> None:
    async with AsyncOpenAI(
        base_url=f"{narrow.url}/v1", api_key="none", max_retries=0, timeout=60
    ) as client:
        upload = ("silence.flac", SILENCE)
        with pytest.raises(openai.APIStatusError) as long:
            await client.audio.transcriptions.create(file=upload, model="whisper-1")
        assert (long.value.status_code, long.value.code) == (413, "too_large")
        async with connect(narrow.ws, proxy=None) as holder:
            await holder.recv()
            with pytest.raises(openai.InternalServerError) as full:
                await client.audio.transcriptions.create(file=upload, model="whisper-1")
        assert (full.value.status_code, full.value.code) == (503, "at_capacity")
        assert int(full.value.response.headers["retry-after"]) >= 1
        often = await too_often(client)
        assert (often.status_code, often.code) == (429, "rate_limited")
        assert int(often.response.headers["retry-after"]) >= 1


async def too_often(client: AsyncOpenAI) -> openai.RateLimitError:
    """Ask until it is too often."""
    for _ in range(5):
        try:
            await client.models.list()
        except openai.RateLimitError as error:
            return error
    pytest.fail("nothing was too often")
