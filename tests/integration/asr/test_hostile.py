"""Uploads that are too large, point elsewhere, or lose their sender."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import numpy as np
import pytest

from services.asr.app import build
from services.asr.config import AsrSettings
from services.asr.engines.base import Samples, TranscribeOptions, Transcript
from tests.audio.hostile_files import PLAYLISTS
from tests.audio.sounds import sound_file
from tests.audio.speech import RATE, speech
from tests.doubles.asr_engine import InstantEngine
from tests.running.app import serving
from tests.running.process import Process

PATH = "/v1/audio/transcriptions"


async def test_two_hundred_megabytes_are_refused_before_the_first_one(instant: Process) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", instant.port)
    writer.write(
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 209715200\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n".encode()
    )
    async with asyncio.timeout(20):
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()


async def upload(service: Process, name: str, data: bytes) -> httpx.Response:
    async with httpx.AsyncClient(base_url=service.http, trust_env=False, timeout=60) as client:
        fields = {"model": "whisper-1"}
        return await client.post(PATH, files={"file": (name, data)}, data=fields)


@pytest.mark.parametrize("kind", PLAYLISTS)
async def test_an_address_in_a_playlist_is_never_visited(instant: Process, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)
        address = f"http://127.0.0.1:{trap.getsockname()[1]}/speech.mp3"
        answer = await upload(instant, "speech.mp3", PLAYLISTS[kind] % address.encode())
        with pytest.raises(BlockingIOError):
            trap.accept()
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")


class HoldingEngine(InstantEngine):
    """Hears the first window, and is busy with the second until it is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self._heard = False
        self.cancelled = asyncio.Event()

    async def transcribe(self, samples: Samples, options: TranscribeOptions) -> Transcript:
        """Once."""
        if not self._heard:
            self._heard = True
            return await super().transcribe(samples, options)
        try:
            return await asyncio.Future()
        finally:
            self.cancelled.set()


@asynccontextmanager
async def held(engine: HoldingEngine) -> AsyncIterator[str]:
    settings = AsrSettings.model_validate({"ASR_SMART_TURN": "off"})
    async with build(settings, engine) as service, serving(service.app) as address:
        yield address


async def test_who_leaves_a_stream_of_events_stops_the_work_and_frees_the_place() -> None:
    said, hush = speech("I would like to book a flight to London"), np.zeros(3 * RATE, np.float32)
    wav = sound_file("wav", np.concatenate([said, *[hush, said] * 60]), RATE)
    engine = HoldingEngine()
    async with held(engine) as address, httpx.AsyncClient(trust_env=False, timeout=60) as client:
        fields = {"model": "whisper-1", "stream": "true"}
        async with client.stream(
            "POST", f"{address}{PATH}", files={"file": ("a.wav", wav)}, data=fields
        ) as answer:
            assert "transcript.text.delta" in await anext(answer.aiter_lines())
            health = (await client.get(f"{address}/health")).json()
            assert health["places"]["taken"] == 1
        async with asyncio.timeout(20):
            await engine.cancelled.wait()
            while (await client.get(f"{address}/health")).json()["places"]["taken"]:
                await asyncio.sleep(0.02)
