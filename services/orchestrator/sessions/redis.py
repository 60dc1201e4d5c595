"""Sessions that all replicas share and that survive their restarts.

One hash a session (``owner``, ``seq`` and the rest as one sealed value), one stream of its
recent events whose ids are their numbers, one sorted set of applied message ids, one list of
its transcript if it wants one, and an index by owner. Every change of a session is one
script or transaction, and none brings a deleted session back. Works with Redis 6.2.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter
from redis.asyncio import Redis

from services.orchestrator.sessions.base import (
    MOST_EVENTS,
    MOST_IDS,
    MOST_LINES,
    Session,
    now,
)
from shared.errors import AtCapacity, Conflict, NotFound
from shared.sealing import Sealer
from shared.store import KEY_PREFIX, answering

_SESSION: TypeAdapter[Session] = TypeAdapter(Session)
_ALL = f"{KEY_PREFIX}sessions"
_BLOCK_MS = 2000
"""Longest wait of one look for new events; shorter than the socket's timeout."""

_SAVE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'data', ARGV[1])
for index = 1, 4 do redis.call('PEXPIREAT', KEYS[index], ARGV[2]) end
for index = 5, 6 do redis.call('ZADD', KEYS[index], 'XX', ARGV[2], ARGV[3]) end
return 1
"""
_LOG = """
local left = redis.call('PTTL', KEYS[1])
if left < 0 then return 0 end
local seq = tonumber(redis.call('HGET', KEYS[1], 'seq'))
if tonumber(ARGV[2]) <= seq then return -1 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], ARGV[2] .. '-0', 'event', ARGV[3])
redis.call('PEXPIRE', KEYS[2], left)
redis.call('HSET', KEYS[1], 'seq', ARGV[2])
return 1
"""
_TAKEN = -1
_WRITE_DOWN = """
local left = redis.call('PTTL', KEYS[1])
if left < 0 then return 0 end
redis.call('RPUSH', KEYS[2], ARGV[1])
redis.call('LTRIM', KEYS[2], -ARGV[2], -1)
redis.call('PEXPIRE', KEYS[2], left)
return 1
"""
_FIRST_TIME = """
local left = redis.call('PTTL', KEYS[1])
if left < 0 then return 0 end
local time = redis.call('TIME')
local added = redis.call('ZADD', KEYS[2], 'NX', time[1] * 1000000 + time[2], ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -ARGV[2] - 1)
redis.call('PEXPIRE', KEYS[2], left)
return added
"""


class RedisSessions:
    """The store that ``REDIS_URL`` selects."""

    durable = True

    def __init__(self, redis: Redis, sealer: Sealer, limit: int = 10_000) -> None:
        self._redis = redis
        self._sealer = sealer
        self._limit = limit
        self._save = redis.register_script(_SAVE)
        self._log = redis.register_script(_LOG)
        self._write_down = redis.register_script(_WRITE_DOWN)
        self._first_time = redis.register_script(_FIRST_TIME)

    async def create(self, session: Session) -> None:
        """Keep a new session; expired ones make room."""
        expiry = _milliseconds(session)
        with answering():
            await self._redis.zremrangebyscore(_ALL, 0, _now_ms())
            if await self._redis.zcard(_ALL) >= self._limit:
                raise AtCapacity(f"{self._limit} sessions exist", retry_after_s=30)
            async with self._redis.pipeline(transaction=True) as change:
                key = _key(session.session_id)
                fields = {"owner": session.owner, "seq": session.seq, "data": self._sealed(session)}
                change.hset(key, mapping=fields)  # type: ignore[arg-type]
                change.pexpireat(key, expiry)
                for index in (_ALL, _index(session.owner)):
                    change.zadd(index, {session.session_id: expiry})
                change.pexpire(_index(session.owner), 30 * 86_400_000)
                await change.execute()

    async def get(self, session_id: str, owner: str) -> Session:
        """Look one up."""
        with answering():
            fields: Any = await self._redis.hgetall(_key(session_id))
        return self._opened(session_id, owner, fields)

    async def of(self, owner: str) -> Sequence[Session]:
        """All of an owner."""
        with answering():
            await self._redis.zremrangebyscore(_index(owner), 0, _now_ms())
            listed: Any = await self._redis.zrange(_index(owner), 0, -1)
            names = [name.decode() for name in listed]
            async with self._redis.pipeline(transaction=False) as look:
                for name in names:
                    look.hgetall(_key(name))
                found = await look.execute()
        pairs = zip(names, found, strict=True)
        return [self._opened(name, owner, fields) for name, fields in pairs if fields]

    async def count(self) -> int:
        """How many are kept, by all replicas."""
        with answering():
            return int(await self._redis.zcount(_ALL, _now_ms(), "+inf"))

    async def save(self, session: Session) -> None:
        """Replace what is stored."""
        name = session.session_id
        keys = [*_own(name), _ALL, _index(session.owner)]
        with answering():
            await self._save(keys, [self._sealed(session), _milliseconds(session), name])

    async def delete(self, session_id: str, owner: str) -> None:
        """Erase everything that is kept of it, on every replica."""
        await self.get(session_id, owner)
        with answering():
            async with self._redis.pipeline(transaction=True) as change:
                change.delete(*_own(session_id))
                change.zrem(_ALL, session_id)
                change.zrem(_index(owner), session_id)
                await change.execute()

    async def log(self, session_id: str, seq: int, event: str) -> None:
        """Write an event."""
        sealed = self._sealer.seal(event.encode(), session_id)
        keys = [_key(session_id), _events(session_id)]
        with answering():
            outcome = await self._log(keys, [MOST_EVENTS, seq, sealed])
        if outcome == _TAKEN:
            raise Conflict("another connection took this session")

    async def since(self, session_id: str, seq: int) -> Sequence[str]:
        """The events after ``seq``."""
        with answering():
            found: Any = await self._redis.xrange(_events(session_id), min=f"({seq}-0")
        return [self._event(session_id, fields) for _, fields in found]

    async def follow(self, session_id: str, seq: int) -> AsyncGenerator[str, None]:
        """The events after ``seq`` and all that come."""
        last = f"{seq}-0"
        while True:
            with answering():
                found: Any = await self._redis.xread({_events(session_id): last}, block=_BLOCK_MS)
                if not found and not await self._redis.exists(_key(session_id)):
                    return
            for entry, fields in _entries(found):
                last = entry.decode()
                yield self._event(session_id, fields)

    async def write_down(self, session_id: str, line: str) -> None:
        """Add a line to the session's transcript."""
        sealed = self._sealer.seal(line.encode(), session_id)
        keys = [_key(session_id), _transcript(session_id)]
        with answering():
            await self._write_down(keys, [sealed, MOST_LINES])

    async def transcript(self, session_id: str) -> Sequence[str]:
        """All lines, in order."""
        with answering():
            found: Any = await self._redis.lrange(_transcript(session_id), 0, -1)
        return [self._sealer.open(line, session_id).decode() for line in found]

    async def first_time(self, session_id: str, message_id: str) -> bool:
        """Remember that a client's message was applied."""
        keys = [_key(session_id), _applied(session_id)]
        with answering():
            return bool(await self._first_time(keys, [message_id, MOST_IDS]))

    def _sealed(self, session: Session) -> bytes:
        return self._sealer.seal(_SESSION.dump_json(session), session.session_id)

    def _opened(self, session_id: str, owner: str, fields: dict[bytes, bytes]) -> Session:
        if not fields or fields[b"owner"].decode() != owner:
            raise NotFound(f"no session {session_id}", param="session_id")
        session = _SESSION.validate_json(self._sealer.open(fields[b"data"], session_id))
        return replace(session, seq=int(fields[b"seq"]))

    def _event(self, session_id: str, fields: dict[bytes, bytes]) -> str:
        return self._sealer.open(fields[b"event"], session_id).decode()


def _entries(found: Any) -> Sequence[tuple[bytes, dict[bytes, bytes]]]:
    """The entries of the one stream that was read, in either shape that Redis answers with."""
    if not found:
        return ()
    if isinstance(found, dict):
        (batches,) = found.values()
        return batches[0] if batches and isinstance(batches[0], list) else batches
    ((_, entries),) = found
    return entries  # type: ignore[no-any-return]


def _key(session_id: str) -> str:
    return f"{KEY_PREFIX}session:{session_id}"


def _events(session_id: str) -> str:
    return f"{KEY_PREFIX}session:{session_id}:events"


def _applied(session_id: str) -> str:
    return f"{KEY_PREFIX}session:{session_id}:applied"


def _transcript(session_id: str) -> str:
    return f"{KEY_PREFIX}session:{session_id}:transcript"


def _own(session_id: str) -> list[str]:
    """Everything that is kept of a session, the hash first."""
    return [
        _key(session_id),
        _events(session_id),
        _applied(session_id),
        _transcript(session_id),
    ]


def _index(owner: str) -> str:
    return f"{KEY_PREFIX}sessions:{owner}"


def _now_ms() -> int:
    return int(now().timestamp() * 1000)


def _milliseconds(session: Session) -> int:
    return int(session.expires_at.timestamp() * 1000)
