"""The first chunk can be heard before there is a second one, in every format."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from shared.audio.encode import Format
from tests.audio.sounds import decoded, level
from tests.doubles.holding_tts import HoldingEngine, holding

CHUNK_S = 0.48
"""What the engine is asked for first."""
CODEC_S = 0.1
"""Of a chunk's sound that a codec keeps until it hears more."""
PATIENCE_S = 60.0
"""Held back is never, however slow the machine: the second chunk waits for the first's bytes."""


async def plain(answer: httpx.Response) -> AsyncIterator[bytes]:
    async for data in answer.aiter_raw():
        yield data


async def events(answer: httpx.Response) -> AsyncIterator[bytes]:
    async for line in answer.aiter_lines():
        event = json.loads(line.removeprefix("data: ") or "{}")
        if event.get("type") == "speech.audio.delta":
            yield base64.b64decode(event["audio"])


READERS = {"audio": plain, "sse": events}


@pytest.mark.parametrize("stream_format", READERS)
@pytest.mark.parametrize("wanted", Format)
async def test_it_is_decoded_while_the_engine_holds_back_the_rest(
    wanted: Format, stream_format: str, tmp_path: Path
) -> None:
    engine, data, seconds = HoldingEngine(), b"", 0.0
    body = {"input": "Hello.", "response_format": wanted.value, "stream_format": stream_format}
    async with (
        holding(engine, tmp_path) as address,
        httpx.AsyncClient(base_url=address, trust_env=False, timeout=PATIENCE_S) as client,
        client.stream("POST", "/v1/audio/speech", json=body) as answer,
    ):
        arriving = READERS[stream_format](answer)
        async with asyncio.timeout(PATIENCE_S):
            while seconds < CHUNK_S - CODEC_S:
                data += await anext(arriving)
                samples, rate = decoded(wanted, data)
                seconds = len(samples) / rate
        assert level(samples) > 0.1
        assert not engine.released.is_set()
        engine.released.set()
        data += b"".join([part async for part in arriving])
    samples, rate = decoded(wanted, data)
    assert len(samples) / rate == pytest.approx(2 * CHUNK_S, abs=0.1)
