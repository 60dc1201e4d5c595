"""The direct pipeline over real sockets: microphone in, transcript, speech out."""

from tests.doubles.tts_service import ScriptedTts
from tests.integration.orchestrator.client import House


async def test_it_says_back_what_it_heard(direct: House) -> None:
    async with direct.talking() as client:
        await client.until("session")
        await client.says()
        done = await client.until("reply.done")
        assert done["text"] == "This is what I heard: book a table for two"
        metrics = await client.until("metrics")
        assert metrics["e2e_ms"] >= 0
        expected = round(0.03 * len(done["text"]) * 48_000)
        assert abs(client.audio - expected) <= 4800
        assert client.kinds()[:4] == ["session", "listening", "transcript", "thinking"]
        await client.until("state", value="idle")


async def test_events_are_numbered(direct: House) -> None:
    async with direct.talking() as client:
        await client.says()
        await client.until("metrics")
        assert [e["seq"] for e in client.events] == list(range(1, len(client.events) + 1))


async def test_speaking_over_the_reply_stops_it(direct: House, tts: ScriptedTts) -> None:
    async with direct.talking() as client:
        await client.says()
        await client.until("audio.start")
        await client.says(1.0, 0.0, pace=True)
        await client.until("audio.duck")
        await client.until("audio.clear")
        done = await client.until("reply.done")
        assert done["interrupted"]
        assert done["heard_text"] != done["text"]
        assert client.audio == 0
