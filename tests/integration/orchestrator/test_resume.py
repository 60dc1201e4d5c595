"""A conversation that outlives its line, its replica, its Redis and its sockets."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.doubles.asr_service import ScriptedAsr
from tests.doubles.tts_service import ScriptedTts
from tests.integration.orchestrator.client import Client, House, house
from tests.running.redis import RedisServer

KEY = base64.b64encode(bytes(32)).decode()


@asynccontextmanager
async def replicas(
    count: int, asr: ScriptedAsr, tts: ScriptedTts, redis: RedisServer
) -> AsyncIterator[list[House]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                house(asr_url=asr.url, tts_url=tts.url, redis_url=redis.url, session_key=KEY)
            )
            for _ in range(count)
        ]


@pytest.fixture(params=["memory", "redis"])
async def any_house(
    request: pytest.FixtureRequest, asr: ScriptedAsr, tts: ScriptedTts, redis_server: RedisServer
) -> AsyncIterator[House]:
    settings: dict[str, object] = {"asr_url": asr.url, "tts_url": tts.url}
    if request.param == "redis":
        settings["redis_url"] = redis_server.url
    async with house(**settings) as service:
        yield service


@asynccontextmanager
async def back(at: House, session: dict[str, Any], last_seq: int) -> AsyncIterator[Client]:
    """The same client on a new socket."""
    moved = {**session, "ws_url": f"{at.url.replace('http', 'ws')}/ws/v2/{session['session_id']}"}
    async with at.attached(moved) as client:
        await client.send("resume", token=session["resume_token"], last_seq=last_seq)
        yield client


async def spoken(house: House) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A session with one whole turn, and its events."""
    async with house.talking() as client:
        await client.says()
        await client.until("metrics")
        await client.until("state", value="idle")
        return client.session, client.events


def numbers(events: list[dict[str, Any]]) -> list[int]:
    return [event["seq"] for event in events]


async def test_what_was_missed_is_replayed_in_order_and_once(any_house: House) -> None:
    session, events = await spoken(any_house)
    async with back(any_house, session, last_seq=3) as client:
        hello = await client.until("session", resumed=True)
        assert hello["resumed"]
        assert numbers(client.events) == list(range(4, hello["seq"] + 1))
        assert client.events[: len(events) - 3] == events[3:]
        await client.says()
        await client.until("metrics")
        assert numbers(client.events) == list(range(4, client.events[-1]["seq"] + 1))


async def test_the_history_is_there_after_a_resume(any_house: House) -> None:
    session, _ = await spoken(any_house)
    shown = (await any_house.http.get(f"/v2/sessions/{session['session_id']}")).json()
    assert shown["messages"] == 2


async def test_a_wrong_token_resumes_nothing(any_house: House) -> None:
    session, _ = await spoken(any_house)
    async with back(any_house, {**session, "resume_token": "guessed"}, 0) as client:
        error = await client.until("error")
        assert error["code"] == "forbidden"
        assert "transcript" not in client.kinds()


async def test_a_browser_resumes_by_its_sub_protocol(any_house: House) -> None:
    session, events = await spoken(any_house)
    offered = [f"resume.{session['resume_token']}.{events[-1]['seq'] - 1}", "parley"]
    async with connect(session["ws_url"], subprotocols=offered, proxy=None) as line:  # type: ignore[arg-type]
        assert line.subprotocol == "parley"
        client = Client(line, session)
        await client.until("session", resumed=True)
        assert client.events[0] == events[-1]


async def test_a_line_lost_in_mid_reply_declares_its_audio_dropped(any_house: House) -> None:
    async with any_house.talking() as client:
        await client.says()
        started = await client.until("audio.start")
        # An abort throws away what the service has not read: it must know that we tell it.
        await client.send("playback", turn_id=started["turn_id"], played_ms=0, id="p1")
        await client.until("ack", id="p1")
        session, last = client.session, client.events[-1]["seq"]
        client.line.transport.abort()
    async with back(any_house, session, last) as again:
        cleared = await again.until("audio.clear")
        assert cleared["turn_id"] == started["turn_id"]
        done = await again.until("reply.done")
        assert done["interrupted"]
        await again.until("session", resumed=True)
        assert len(numbers(again.events)) == len(set(numbers(again.events)))


async def test_the_newest_connection_wins(any_house: House) -> None:
    session = await any_house.session()
    async with any_house.attached(session) as first:
        await first.until("session")
        async with any_house.attached(session) as second:
            assert (await first.until("error"))["code"] == "conflict"
            with pytest.raises(ConnectionClosed):
                await first.until("never")
            await second.send("text", text="hello")
            await second.until("reply.done")


async def test_a_clients_message_is_applied_once_over_all_its_lines(any_house: House) -> None:
    async with any_house.talking() as client:
        await client.until("session")
        await client.send("text", text="hello", id="m1")
        await client.until("ack", id="m1")
        await client.until("metrics")
        session, last = client.session, client.events[-1]["seq"]
    async with back(any_house, session, last) as again:
        await again.until("session", resumed=True)
        await again.send("text", text="hello", id="m1")
        await again.until("ack", id="m1")
        await again.send("text", text="other", id="m2")
        await again.until("transcript" if "transcript" in again.kinds() else "reply.done")
        texts = [e["text"] for e in again.events if e["type"] == "reply.done"]
        assert texts == ["This is what I heard: other"]


async def test_another_replica_takes_over(
    asr: ScriptedAsr, tts: ScriptedTts, redis_server: RedisServer
) -> None:
    async with replicas(2, asr, tts, redis_server) as (one, two):
        session, events = await spoken(one)
        async with back(two, session, last_seq=0) as client:
            hello = await client.until("session", resumed=True)
            assert hello["durable"]
            assert client.events[: len(events)] == events
            await client.says()
            await client.until("metrics")


async def test_taking_a_session_on_another_replica_ends_the_first_connection(
    asr: ScriptedAsr, tts: ScriptedTts, redis_server: RedisServer
) -> None:
    async with replicas(2, asr, tts, redis_server) as (one, two), one.talking() as first:
        await first.until("session")
        async with back(two, first.session, 1) as second:
            await second.until("session", resumed=True)
            assert (await first.until("error"))["code"] == "conflict"


async def test_every_replica_knows_who_is_connected(
    asr: ScriptedAsr, tts: ScriptedTts, redis_server: RedisServer
) -> None:
    async with replicas(2, asr, tts, redis_server) as (one, two):
        idle = await one.session()
        async with one.talking() as client:
            await client.until("session")
            for asked in (one, two):
                listed = (await asked.http.get("/v2/sessions")).json()["sessions"]
                connected = {each["session_id"]: each["connected"] for each in listed}
                assert connected[client.session["session_id"]] is True
                assert connected[idle["session_id"]] is False
                path = f"/v2/sessions/{client.session['session_id']}"
                assert (await asked.http.get(path)).json()["connected"] is True


async def test_deleting_on_one_replica_ends_the_session_on_the_other(
    asr: ScriptedAsr, tts: ScriptedTts, redis_server: RedisServer
) -> None:
    async with replicas(2, asr, tts, redis_server) as (one, two), one.talking() as client:
        await client.until("session")
        path = f"/v2/sessions/{client.session['session_id']}"
        assert (await two.http.delete(path)).status_code == 204
        assert (await client.until("error"))["code"] == "conflict"
        assert (await one.http.get(path)).status_code == 404


async def test_without_its_redis_a_conversation_goes_on_and_its_log_is_made_up_for(
    asr: ScriptedAsr, tts: ScriptedTts, redis_server: RedisServer
) -> None:
    async with replicas(1, asr, tts, redis_server) as (one,), one.talking() as client:
        await client.until("session")
        await redis_server.stop()
        await client.says()
        await client.until("metrics")
        assert "quality" in client.kinds()
        await redis_server.start()
        await client.until("quality", level="good")
        shown = client.events
        session = client.session
        await client.line.close()
        async with back(one, session, 0) as again:
            await again.until("session", resumed=True)
            assert again.events[: len(shown)] == shown


async def test_messages_are_applied_once_without_redis_and_after_it(
    asr: ScriptedAsr, tts: ScriptedTts, redis_server: RedisServer
) -> None:
    async with replicas(1, asr, tts, redis_server) as (one,), one.talking() as client:
        await client.until("session")
        await redis_server.stop()
        for _ in range(2):
            await client.send("text", text="hello", id="m1")
            await client.until("ack", id="m1")
        await client.until("reply.done", text="This is what I heard: hello")
        await redis_server.start()
        await client.until("quality", level="good")
        session, last = client.session, client.events[-1]["seq"]
        await client.line.close()
        async with back(one, session, last) as again:
            await again.until("session", resumed=True)
            await again.send("text", text="hello", id="m1")
            await again.send("text", text="other", id="m2")
            await again.until("reply.done")
    told = [e["text"] for e in client.events + again.events if e["type"] == "transcript"]
    assert told == ["hello", "other"]


async def test_a_transcript_has_what_was_said_without_redis(
    asr: ScriptedAsr, tts: ScriptedTts, redis_server: RedisServer
) -> None:
    async with (
        replicas(1, asr, tts, redis_server) as (one,),
        one.talking(transcript_log=True) as client,
    ):
        await client.until("session")
        await redis_server.stop()
        await client.send("text", text="hello")
        await client.until("reply.done")
        await redis_server.start()
        await client.until("quality", level="good")
        path = f"/v2/sessions/{client.session['session_id']}/transcript"
        lines = (await one.http.get(path)).json()["lines"]
    assert [line["role"] for line in lines] == ["user", "assistant"]


async def events_of(house: House, session: dict[str, Any], last: str) -> list[dict[str, Any]]:
    """Follow by SSE until an event of this type."""
    found: list[dict[str, Any]] = []
    path = f"/v2/sessions/{session['session_id']}/events?after=0"
    async with asyncio.timeout(15), house.http.stream("GET", path) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
                if found[-1]["type"] == last:
                    break
    return found


async def test_a_client_without_sockets_talks_over_http(any_house: House) -> None:
    session = await any_house.session()
    path = f"/v2/sessions/{session['session_id']}/messages"
    answer = await any_house.http.post(path, json={"type": "text", "text": "hello", "id": "m1"})
    assert answer.status_code == 202
    events = await events_of(any_house, session, "reply.done")
    assert events[-1]["text"] == "This is what I heard: hello"
    assert [e["id"] for e in events if e["type"] == "ack"] == ["m1"]
    assert numbers(events) == list(range(1, len(events) + 1))


async def test_a_posted_message_reaches_the_replica_that_holds_the_session(
    asr: ScriptedAsr, tts: ScriptedTts, redis_server: RedisServer
) -> None:
    async with replicas(2, asr, tts, redis_server) as (one, two), one.talking() as client:
        await client.until("session")
        await client.says()
        await client.until("audio.start")
        path = f"/v2/sessions/{client.session['session_id']}/messages"
        assert (await two.http.post(path, json={"type": "interrupt"})).status_code == 202
        assert (await client.until("reply.done"))["interrupted"]


@pytest.mark.parametrize(
    ("body", "status"),
    [("{", 400), ('{"type":"sing"}', 400), ('{"type":"text","text":"' + "x" * 70_000 + '"}', 413)],
)
async def test_a_bad_message_is_refused(direct: House, body: str, status: int) -> None:
    session = await direct.session()
    path = f"/v2/sessions/{session['session_id']}"
    assert (await direct.http.post(f"{path}/messages", content=body)).status_code == status
    assert (await direct.http.get(f"{path}/events?after=x")).status_code == 400
    assert (await direct.http.get("/v2/sessions/none/events")).status_code == 404


async def test_health_tells_of_redis(
    asr: ScriptedAsr, tts: ScriptedTts, redis_server: RedisServer, direct: House
) -> None:
    assert (await direct.http.get("/health")).json()["redis"]["enabled"] is False
    async with replicas(1, asr, tts, redis_server) as (one,):
        answer: httpx.Response = await one.http.get("/health")
        assert answer.json()["redis"] == {"enabled": True, "healthy": True}


async def test_a_full_house_lets_its_own_clients_back_in(
    asr: ScriptedAsr, tts: ScriptedTts
) -> None:
    async with house(asr_url=asr.url, tts_url=tts.url, max_sessions=1) as service:
        session = await service.session()
        async with service.attached(session) as first:
            await first.until("session")
            async with service.attached(session) as second:
                await second.until("session")
            with pytest.raises(InvalidStatus) as refused:
                async with service.attached(session), service.talking():
                    pass
    assert refused.value.response.status_code == 503


async def test_another_replica_begins_where_the_first_one_stopped(
    asr: ScriptedAsr, tts: ScriptedTts, redis_server: RedisServer
) -> None:
    async with replicas(2, asr, tts, redis_server) as (one, two), one.talking() as first:
        await first.says()
        started = await first.until("audio.start")
        async with back(two, first.session, first.events[-1]["seq"]) as second:
            await second.until("audio.clear", turn_id=started["turn_id"])
            await second.until("session", resumed=True)
            await second.says()
            await second.until("metrics")
            assert numbers(second.events) == sorted(set(numbers(second.events)))


async def test_a_transcript_of_both_sides_is_kept_only_when_asked_for(any_house: House) -> None:
    async with any_house.talking(transcript_log=True) as client:
        await client.says()
        started = await client.until("audio.start")
        await client.send("playback", turn_id=started["turn_id"], played_ms=300)
        await client.send("interrupt")
        done = await client.until("reply.done")
        path = f"/v2/sessions/{client.session['session_id']}/transcript"
        await client.until("metrics")
        lines = (await any_house.http.get(path)).json()["lines"]
    assert [(line["role"], line["text"]) for line in lines] == [
        ("user", "book a table for two"),
        ("assistant", done["text"]),
    ]
    assert lines[1]["heard_text"] == done["heard_text"]
    plain = await any_house.session()
    answer = await any_house.http.get(f"/v2/sessions/{plain['session_id']}/transcript")
    assert answer.status_code == 404
