"""Bad input and lost neighbours: each is told, and the conversation goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.doubles.asr_service import ScriptedAsr
from tests.doubles.tts_service import ScriptedTts
from tests.integration.orchestrator.client import TONE, House, house


@pytest.mark.parametrize(
    ("frame", "named"),
    [
        ("{", "JSON"),
        ("[]", "JSON object"),
        ('{"type":"sing"}', "sing"),
        ('{"text":"x"}', "type"),
        ('{"type":"text","text":""}', "text"),
        ('{"type":"text","text":"hi","loud":true}', "loud"),
        ('{"type":"playback","turn_id":"turn_1","played_ms":-1}', "played_ms"),
        ('{"type":"resume","token":"x","last_seq":0}', "resume"),
    ],
)
async def test_a_bad_message_is_named_and_skipped(direct: House, frame: str, named: str) -> None:
    async with direct.talking() as client:
        await client.until("session")
        await client.line.send(frame)
        error = await client.until("error")
        assert named in error["message"]
        await client.says()
        await client.until("reply.done")


async def test_odd_and_empty_frames_are_taken(direct: House, asr: ScriptedAsr) -> None:
    async with direct.talking() as client:
        for frame in (b"", TONE[:1], TONE[1:], b"\x00"):
            await client.line.send(frame)
        await client.says()
        await client.until("reply.done")
    assert asr.ears[0].frames > 3


async def test_an_unknown_session_is_refused_at_the_handshake(direct: House) -> None:
    session = {"ws_url": f"ws://{urlsplit(direct.url).netloc}/ws/v2/s_nobody"}
    with pytest.raises(InvalidStatus) as caught:
        async with direct.attached(session):
            pass
    assert caught.value.response.status_code == 404


async def test_audio_in_another_format(tts: ScriptedTts, direct: House, asr: ScriptedAsr) -> None:
    async with direct.talking() as client:
        await client.send("config", sample_rate=8000, encoding="mulaw", language="de")
        await client.says()
        await client.until("reply.done")
        told = asr.ears[-1].messages[0]
        assert (told["sample_rate"], told["encoding"]) == (8000, "mulaw")
        assert told["language"] == "de"
        await client.send("config", sample_rate=16_000)
        assert (await client.until("error"))["param"] == "sample_rate"
    assert tts.asked("synthesize")[-1]["language"] == "de"


async def test_full_neighbours_are_told_as_that(direct: House, asr: ScriptedAsr) -> None:
    asr.full = True
    async with direct.talking() as client:
        error = await client.until("error")
        assert (error["code"], error["retryable"]) == ("at_capacity", True)
        assert error["retry_after_s"] == 3
        with pytest.raises(ConnectionClosed) as caught:
            await client.until("session")
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1013
    asr.full = False
    async with direct.talking() as client:
        await client.until("session")


async def test_its_own_places_are_counted(asr: ScriptedAsr, tts: ScriptedTts) -> None:
    async with house(asr_url=asr.url, tts_url=tts.url, max_sessions=2) as service:
        for _ in range(3):
            async with AsyncExitStack() as clients:
                for _ in range(2):
                    client = await clients.enter_async_context(service.talking())
                    await client.until("session")
                session = await service.session()
                with pytest.raises(InvalidStatus) as caught:
                    await clients.enter_async_context(service.attached(session))
                assert caught.value.response.status_code == 503
                assert "Retry-After" in caught.value.response.headers
            await gone(service)


async def gone(service: House) -> None:
    """Wait until nobody holds a place."""
    assert service.service is not None
    async with asyncio.timeout(10):
        await service.service.places.wait_empty()


@asynccontextmanager
async def mortal(service: ScriptedAsr | ScriptedTts) -> AsyncIterator["Mortal"]:
    """A neighbour that can be killed and come back at the same address."""
    life = Mortal(service)
    try:
        await life.rises()
        yield life
    finally:
        await life.dies()


class Mortal:
    """A scripted service with lives."""

    def __init__(self, service: ScriptedAsr | ScriptedTts) -> None:
        self._service = service
        self._life = AsyncExitStack()

    async def rises(self) -> None:
        """Live, at the address of the life before."""
        port = urlsplit(self._service.url).port or 0
        await self._life.enter_async_context(self._service.running(port))

    async def dies(self) -> None:
        """Cut all lines."""
        await self._life.aclose()


async def test_a_recogniser_that_dies_in_a_turn_hears_it_again(tts: ScriptedTts) -> None:
    asr = ScriptedAsr(["book a table"])
    async with (
        mortal(asr) as life,
        house(asr_url=asr.url, tts_url=tts.url) as service,
        service.talking() as client,
    ):
        await client.says(0.5, 0.0)
        await client.until("state", value="listening")
        await life.dies()
        error = await client.until("error")
        assert (error["code"], error["retryable"]) == ("upstream_failed", True)
        await life.rises()
        await client.says(0.0, 0.4)
        done = await client.until("reply.done")
        assert done["text"].endswith("book a table")


async def test_a_voice_that_dies_is_told_and_the_next_turn_is_spoken(asr: ScriptedAsr) -> None:
    tts = ScriptedTts(seconds_per_char=0.03)
    async with (
        mortal(tts) as life,
        house(asr_url=asr.url, tts_url=tts.url) as service,
        service.talking() as client,
    ):
        tts.free.clear()
        await client.says()
        await client.until("reply.delta")
        async with asyncio.TaskGroup() as group:
            group.create_task(life.dies())
            await tts.voices[-1].line.wait_closed()
            tts.free.set()
        await life.rises()
        await client.until("audio.end")
        await client.until("state", value="idle")
        await client.says()
        await client.until("audio.end")


async def test_a_voice_that_fails_is_told(direct: House, tts: ScriptedTts) -> None:
    async with direct.talking() as client:
        tts.failing = True
        await client.says()
        assert (await client.until("error"))["code"] == "engine_failed"
        await client.until("state", value="idle")
        tts.failing = False
        await client.says()
        await client.until("audio.end")


async def test_a_drain_lets_the_reply_be_heard(direct: House) -> None:
    assert direct.service is not None
    async with direct.talking() as client:
        await client.says()
        await client.until("audio.start")
        direct.service.places.draining.set()
        refused = await direct.http.post("/v2/sessions", json={})
        assert refused.status_code == 503
        end = await client.until("audio.end")
        await client.until("metrics")
        assert client.audio == pytest.approx(end["duration_ms"] * 48, abs=96)
        assert (await client.until("error"))["code"] == "draining"
        with pytest.raises(ConnectionClosed) as caught:
            await client.until("session")
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1012


async def test_clients_that_vanish_leave_nothing_behind(direct: House) -> None:
    before = 0
    for how in ("close", "abort", "thinking", "speaking"):
        async with direct.talking() as client:
            await client.until("session")
            await client.says()
            if how in ("abort", "speaking"):
                await client.until("audio.start")
            if how != "close":
                client.line.transport.abort()
        await gone(direct)
        before = before or len(asyncio.all_tasks())
    assert len(asyncio.all_tasks()) <= before + 1  # a connection of HTTP may be closing


async def test_the_client_leaves_politely(direct: House) -> None:
    async with direct.talking() as client:
        await client.until("session")
        await client.send("bye")
        with pytest.raises(ConnectionClosed) as caught:
            await client.until("error")
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1000


async def test_ids_are_acknowledged_and_applied_once(direct: House) -> None:
    async with direct.talking() as client:
        for _ in range(2):
            await client.send("text", text="hello", id="m1")
        await client.until("metrics")
        await client.send("text", text="bye", id="m2")
        await client.until("ack", id="m2")
        await client.until("metrics")
        assert [e["text"] for e in client.events if e["type"] == "transcript"] == ["hello", "bye"]


async def test_a_deleted_session_ends_its_socket(direct: House) -> None:
    async with direct.talking() as client:
        await client.until("session")
        path = f"/v2/sessions/{client.session['session_id']}"
        assert (await direct.http.get(path)).json()["connected"] is True
        assert (await direct.http.delete(path)).status_code == 204
        assert (await client.until("error"))["code"] == "conflict"
        assert (await direct.http.get(path)).status_code == 404


async def test_bad_sessions_are_named(direct: House) -> None:
    for body, named in (
        (b"{", "body"),
        (b'{"colour":1}', "colour"),
        (b'{"pipeline":"llm"}', "pipeline"),
        (b'{"sensitivity":7}', "sensitivity"),
    ):
        answer = await direct.http.post("/v2/sessions", content=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == named


async def test_sessions_belong_to_their_key(asr: ScriptedAsr, tts: ScriptedTts) -> None:
    async with house(asr_url=asr.url, tts_url=tts.url, api_keys="one,two") as service:
        mine = {"Authorization": "Bearer one"}
        made = await service.http.post("/v2/sessions", json={}, headers=mine)
        path = f"/v2/sessions/{made.json()['session_id']}"
        assert (await service.http.get(path, headers=mine)).status_code == 200
        other = {"X-API-Key": "two"}
        assert (await service.http.get(path, headers=other)).status_code == 404
        listed = await service.http.get("/v2/sessions", headers=other)
        assert listed.json() == {"sessions": []}
        assert (await service.http.get(path)).status_code == 401
