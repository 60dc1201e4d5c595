"""How much a session keeps, and that all of it goes when the session does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from services.orchestrator.sessions import memory
from services.orchestrator.sessions import redis as shared
from services.orchestrator.sessions.base import Session, SessionStore
from shared.protocol.conversation import CreateSession
from shared.sealing import AesSealer
from shared.store import connect
from tests.running.redis import RedisServer

TTL_S = 60.0


@dataclass
class Bench:
    """A store and the Redis below it."""

    redis: Redis
    store: shared.RedisSessions

    async def keys(self, session: Session) -> dict[str, int]:
        """Everything that is kept under the session's name, and its milliseconds left."""
        names = [key async for key in self.redis.scan_iter(f"*{session.session_id}*")]
        return {name.decode(): await self.redis.pttl(name) for name in names}

    async def used(self) -> Session:
        """A session of which everything is kept that can be."""
        session = Session.new("me", CreateSession(), TTL_S)
        await self.store.create(session)
        await use(self.store, session)
        return session


async def use(store: SessionStore, session: Session) -> None:
    await store.log(session.session_id, 1, "{}")
    await store.write_down(session.session_id, "{}")
    await store.first_time(session.session_id, "m")


@pytest.fixture
async def bench(redis_server: RedisServer) -> AsyncIterator[Bench]:
    async with connect(SecretStr(redis_server.url)) as redis:
        yield Bench(redis, shared.RedisSessions(redis, AesSealer(bytes(32))))


async def test_everything_of_a_session_expires_with_it_also_when_it_is_extended(
    bench: Bench,
) -> None:
    session = await bench.used()
    left = await bench.keys(session)
    assert len(left) == 4
    assert all(0 < ms <= 1000 * TTL_S for ms in left.values())

    later = session.extended(10 * TTL_S)
    await bench.store.save(later)

    assert all(ms > 5000 * TTL_S for ms in (await bench.keys(session)).values())
    for index in ("parley:sessions", "parley:sessions:me"):
        expiry = await bench.redis.zscore(index, session.session_id)
        assert expiry == int(later.expires_at.timestamp() * 1000)


async def test_a_session_that_is_gone_keeps_nothing_more(bench: Bench) -> None:
    session = await bench.used()
    await bench.store.delete(session.session_id, "me")
    await use(bench.store, session)
    assert await bench.keys(session) == {}
    assert not await bench.store.first_time(session.session_id, "another")


@pytest.fixture(params=["memory", "redis"])
def store(
    request: pytest.FixtureRequest, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> SessionStore:
    """One that keeps few lines, and few ids."""
    module = memory if request.param == "memory" else shared
    monkeypatch.setattr(module, "MOST_LINES", 3)
    monkeypatch.setattr(module, "MOST_IDS", 2)
    return memory.MemorySessions() if request.param == "memory" else bench.store


async def test_of_a_transcript_the_newest_lines_are_kept(store: SessionStore) -> None:
    session = Session.new("me", CreateSession(), TTL_S)
    await store.create(session)
    for number in range(5):
        await store.write_down(session.session_id, str(number))
    assert list(await store.transcript(session.session_id)) == ["2", "3", "4"]


async def test_of_the_applied_messages_the_newest_are_known(store: SessionStore) -> None:
    session = Session.new("me", CreateSession(), TTL_S)
    await store.create(session)
    first = [await store.first_time(session.session_id, name) for name in ("a", "b", "c")]
    again = [await store.first_time(session.session_id, name) for name in ("b", "c", "a")]
    assert (first, again) == ([True] * 3, [False, False, True])
