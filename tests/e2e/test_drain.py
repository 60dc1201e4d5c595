"""SIGTERM in the middle of a reply: it is heard to its end, and nobody new comes in."""

import asyncio
import signal

import pytest
from websockets.exceptions import ConnectionClosed

from tests.doubles.asr_service import ScriptedAsr
from tests.doubles.tts_service import ScriptedTts
from tests.integration.orchestrator.client import House, door
from tests.running.service import ServiceProcess

SECONDS = 10.0
TEXT = "a long story, " * 7


async def refused(house: House) -> bool:
    """Wait until no session can be made any more."""
    async with asyncio.timeout(10):
        while (await house.http.post("/v2/sessions", json={})).status_code == 201:
            await asyncio.sleep(0.05)
    return True


async def test_a_reply_of_ten_seconds_is_finished() -> None:
    prefix = len("This is what I heard: ")
    per_char = SECONDS / (prefix + len(TEXT.strip()))
    async with ScriptedAsr().running() as asr, ScriptedTts(per_char).running() as tts:
        urls = {"ASR_URL": asr.url, "TTS_URL": tts.url}
        with ServiceProcess("orchestrator", **urls) as orchestrator:
            async with door(orchestrator.url) as house, house.talking() as client:
                await client.send("text", text=TEXT.strip())
                await client.until("audio.start")
                orchestrator.signal(signal.SIGTERM)
                assert await refused(house)
                end = await client.until("audio.end", 20.0)
                await client.until("reply.done", 20.0)
                assert end["duration_ms"] == pytest.approx(SECONDS * 1000, rel=0.02)
                assert client.audio == pytest.approx(end["duration_ms"] * 48, abs=96)
                assert (await client.until("error", 20.0))["code"] == "draining"
                with pytest.raises(ConnectionClosed):
                    await client.until("session")
            assert await asyncio.to_thread(orchestrator.wait) == 0
