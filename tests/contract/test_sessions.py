"""What every session store does, whatever it stands on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from services.orchestrator.llm.base import Message, ToolCall
from services.orchestrator.sessions.base import MOST_EVENTS, Session, SessionStore, now
from services.orchestrator.sessions.memory import MemorySessions
from services.orchestrator.sessions.redis import RedisSessions
from shared.errors import AtCapacity, Conflict, NotFound
from shared.protocol.conversation import CreateSession
from shared.sealing import AesSealer
from shared.store import connect
from tests.running.redis import RedisServer


@pytest.fixture(params=["memory", "redis"])
async def store(
    request: pytest.FixtureRequest, redis_server: RedisServer
) -> AsyncIterator[SessionStore]:
    if request.param == "memory":
        yield MemorySessions(limit=3)
        return
    async with connect(SecretStr(redis_server.url)) as client:
        yield RedisSessions(client, AesSealer(bytes(32)), limit=3)


def session(owner: str = "o", ttl_s: float = 60) -> Session:
    return Session.new(owner, CreateSession(system_prompt="Be brief."), ttl_s)


async def test_what_is_kept_comes_back_whole(store: SessionStore) -> None:
    messages = (
        Message("user", "hello"),
        Message("assistant", "", (ToolCall("c", "look", "{}"),)),
        Message("tool", "found", tool_call_id="c"),
    )
    kept = replace(session(), messages=messages, turns=2)
    await store.create(kept)
    assert await store.get(kept.session_id, "o") == kept


async def test_a_session_is_its_owners_alone(store: SessionStore) -> None:
    mine, theirs = session("me"), session("them")
    await store.create(mine)
    await store.create(theirs)
    assert await store.of("me") == [mine]
    for call in (store.get, store.delete):
        with pytest.raises(NotFound):
            await call(theirs.session_id, "me")
    assert await store.get(theirs.session_id, "them") == theirs


async def test_all_that_live_are_counted(store: SessionStore) -> None:
    kept, short = session("me"), session("them", ttl_s=0.05)
    await store.create(kept)
    await store.create(short)
    await asyncio.sleep(0.1)
    assert await store.count() == 1
    await store.delete(kept.session_id, "me")
    assert await store.count() == 0


async def test_an_expired_session_is_gone_and_makes_room(store: SessionStore) -> None:
    old = session(ttl_s=0.05)
    await store.create(old)
    await store.create(session())
    await store.create(session())
    with pytest.raises(AtCapacity):
        await store.create(session())
    while old.expires_at > now():
        await asyncio.sleep(0.01)
    with pytest.raises(NotFound):
        await store.get(old.session_id, "o")
    await store.create(session())


async def test_saving_extends_its_life_and_does_not_bring_the_deleted_back(
    store: SessionStore,
) -> None:
    kept = session(ttl_s=0.2)
    await store.create(kept)
    longer = replace(kept, expires_at=now() + timedelta(seconds=60), turns=1)
    await store.save(longer)
    while kept.expires_at > now():
        await asyncio.sleep(0.01)
    assert (await store.get(kept.session_id, "o")).turns == 1
    await store.delete(kept.session_id, "o")
    await store.save(longer)
    with pytest.raises(NotFound):
        await store.get(kept.session_id, "o")


async def test_events_are_replayed_in_order_from_where_the_client_was(
    store: SessionStore,
) -> None:
    kept = session()
    await store.create(kept)
    for seq in range(1, 6):
        await store.log(kept.session_id, seq, f"event {seq}")
    assert await store.since(kept.session_id, 3) == ["event 4", "event 5"]
    assert await store.since(kept.session_id, 5) == []


async def test_a_number_is_given_once(store: SessionStore) -> None:
    kept = session()
    await store.create(kept)
    await store.log(kept.session_id, 1, "mine")
    with pytest.raises(Conflict):
        await store.log(kept.session_id, 1, "somebody else's")
    assert await store.since(kept.session_id, 0) == ["mine"]


async def test_the_log_is_bounded(store: SessionStore) -> None:
    kept = session()
    await store.create(kept)
    for seq in range(1, MOST_EVENTS + 300):
        await store.log(kept.session_id, seq, str(seq))
    events = await store.since(kept.session_id, 0)
    assert MOST_EVENTS <= len(events) < MOST_EVENTS + 200
    assert events[-1] == str(MOST_EVENTS + 299)


async def test_following_replays_and_goes_on_until_the_session_is_gone(
    store: SessionStore,
) -> None:
    kept = session()
    await store.create(kept)
    await store.log(kept.session_id, 1, "before")
    heard: list[str] = []
    arrived = asyncio.Event()

    async def follow() -> None:
        async for event in store.follow(kept.session_id, 0):
            heard.append(event)
            arrived.set()

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(follow())
        await arrived.wait()
        arrived.clear()
        await store.log(kept.session_id, 2, "after")
        await arrived.wait()
        await store.delete(kept.session_id, "o")
    assert heard == ["before", "after"]


async def test_a_clients_message_is_applied_once(store: SessionStore) -> None:
    kept = session()
    await store.create(kept)
    assert await store.first_time(kept.session_id, "m1")
    assert not await store.first_time(kept.session_id, "m1")
    assert await store.first_time(kept.session_id, "m2")


async def test_a_transcript_is_kept_in_order(store: SessionStore) -> None:
    kept = session()
    await store.create(kept)
    assert await store.transcript(kept.session_id) == []
    for line in ("one", "two"):
        await store.write_down(kept.session_id, line)
    assert await store.transcript(kept.session_id) == ["one", "two"]


async def test_deleting_erases_everything(store: SessionStore, redis_server: RedisServer) -> None:
    kept = session()
    await store.create(kept)
    await store.log(kept.session_id, 1, "event")
    await store.first_time(kept.session_id, "m1")
    await store.write_down(kept.session_id, "line")
    await store.delete(kept.session_id, "o")
    assert await store.transcript(kept.session_id) == []
    assert await store.since(kept.session_id, 0) == []
    async with connect(SecretStr(redis_server.url)) as client:
        assert await client.keys("*") == []


async def test_nothing_said_can_be_read_in_redis(redis_server: RedisServer) -> None:
    async with connect(SecretStr(redis_server.url)) as client:
        store = RedisSessions(client, AesSealer(bytes(32)))
        kept = replace(session(), messages=(Message("user", "my secret"),))
        await store.create(kept)
        await store.log(kept.session_id, 1, "my secret")
        for key in await client.keys("*session:*"):
            assert b"secret" not in (await client.dump(key) or b"")
