"""The conversation service killed at each stage of a turn, and started again."""

import signal

import pytest

from tests.doubles.asr_service import ScriptedAsr
from tests.doubles.tts_service import ScriptedTts
from tests.integration.orchestrator.client import Client, door
from tests.running.redis import RedisServer
from tests.running.service import ServiceProcess


@pytest.mark.parametrize("stage", ["transcript", "audio.start", "reply.done"])
async def test_a_killed_service_is_resumed_where_it_was(
    stage: str, asr: ScriptedAsr, tts: ScriptedTts, redis_server: RedisServer
) -> None:
    settings = {"ASR_URL": asr.url, "TTS_URL": tts.url, "REDIS_URL": redis_server.url}
    with ServiceProcess("orchestrator", **settings) as first:
        async with door(first.url) as house:
            session = await house.session()
            async with house.attached(session) as client:
                await client.send("text", text="hello", id="m1")
                await client.until(stage)
                last = client.events[-1]["seq"]
                first.signal(signal.SIGKILL)
                before = client.events
    with ServiceProcess("orchestrator", **settings) as second:
        moved = {**session, "ws_url": session["ws_url"].replace(first.url[7:], second.url[7:])}
        async with door(second.url) as house, house.attached(moved) as again:
            await again.send("resume", token=session["resume_token"], last_seq=last)
            await again.until("session", resumed=True)
            if stage in ("transcript", "audio.start"):
                await _closed(again)
            await again.send("text", text="hello", id="m1")
            await again.until("ack", id="m1")
            await again.send("text", text="go on", id="m2")
            while not (done := await again.until("reply.done"))["text"].endswith("go on"):
                pass
            seen = [event["seq"] for event in before + again.events]
            assert seen == sorted(set(seen))
            assert done["turn_id"] not in {event.get("turn_id") for event in before}


async def _closed(client: Client) -> None:
    """What was under way is declared over."""
    if "reply.done" not in client.kinds():
        await client.until("reply.done")
    started = "audio.start" in client.kinds()
    assert not started or "audio.clear" in client.kinds() or "audio.end" in client.kinds()
