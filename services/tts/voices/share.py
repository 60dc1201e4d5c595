"""Registered voices in Redis, for all replicas."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Protocol

from redis.asyncio import Redis

from services.tts.voices.record import StoredVoice, VoiceRecord, context
from shared.sealing import CannotOpen, Sealer
from shared.store import KEY_PREFIX, answering, is_answering

log = logging.getLogger(__name__)

_INDEX = f"{KEY_PREFIX}tts:voices"
_DELETED = f"{KEY_PREFIX}tts:voices:deleted"
_SOUND = f"{KEY_PREFIX}tts:voice:"
_PREPARED = f"{KEY_PREFIX}tts:prepared:"

_PATIENCE_S = 2.0
"""Somebody waits for a prepared voice to speak: without an answer it is prepared here."""

_ADD = """
if ARGV[4] == '1' then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
elseif redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('SET', KEYS[2], ARGV[3])
redis.call('DEL', KEYS[3])
redis.call('HDEL', KEYS[4], ARGV[1])
return 1
"""
"""Record and sound together, or neither: a line cut in between would leave a voice half there."""
_SAVE_PREPARED = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
"""


class VoiceShare(Protocol):
    """What replicas share of the voices."""

    async def add(self, voice: StoredVoice, *, replace: bool) -> bool:
        """Put it there.

        Returns:
            False when the id is taken and is not to be replaced.
        """
        ...

    async def load(self, voice_id: str) -> StoredVoice | None:
        """The voice with its sound, or None."""
        ...

    async def delete(self, voice_id: str, now: float) -> None:
        """Forget it, and remember when."""
        ...

    async def load_prepared(self, record: VoiceRecord, preparation: str) -> bytes | None:
        """What an engine of some replica made of it, or None."""
        ...

    async def save_prepared(self, record: VoiceRecord, preparation: str, sealed: bytes) -> None:
        """Keep it for the others, unless the voice is no longer the one of the record."""
        ...

    async def index(self) -> Mapping[str, VoiceRecord]:
        """Every voice's record."""
        ...

    async def deleted(self) -> Mapping[str, float]:
        """When ids were deleted, in seconds since 1970."""
        ...

    async def answers(self) -> bool:
        """Whether it can be reached."""
        ...


class RedisShare:
    """The records in one hash, sounds and prepared forms in a key each, all sealed."""

    def __init__(self, redis: Redis, sealer: Sealer) -> None:
        self._redis = redis
        self._sealer = sealer
        self._add = redis.register_script(_ADD)
        self._save_prepared = redis.register_script(_SAVE_PREPARED)

    async def add(self, voice: StoredVoice, *, replace: bool) -> bool:
        """Put it there; of two replicas that try at once, one wins."""
        voice_id = voice.record.voice_id
        record = self._sealer.seal(voice.record.to_json(), context(voice_id))
        keys = (_INDEX, _SOUND + voice_id, _PREPARED + voice_id, _DELETED)
        with answering():
            added: Any = await self._add(
                keys=keys, args=(voice_id, record, voice.pack(self._sealer), int(replace))
            )
        return bool(added)

    async def load(self, voice_id: str) -> StoredVoice | None:
        """The voice with its sound, or None."""
        with answering():
            data = await self._redis.get(_SOUND + voice_id)
        return None if data is None else StoredVoice.unpack(_raw(data), voice_id, self._sealer)

    async def delete(self, voice_id: str, now: float) -> None:
        """Forget it, and remember when, for replicas that sleep."""
        with answering():
            async with self._redis.pipeline(transaction=True) as change:
                change.hset(_DELETED, voice_id, str(now))
                change.delete(_SOUND + voice_id, _PREPARED + voice_id)
                change.hdel(_INDEX, voice_id)
                await change.execute()

    async def load_prepared(self, record: VoiceRecord, preparation: str) -> bytes | None:
        """What an engine of some replica made of it, or None."""
        with answering():
            async with asyncio.timeout(_PATIENCE_S):
                data: Any = await self._redis.hget(_PREPARED + record.voice_id, preparation)
        return None if data is None else _raw(data)

    async def save_prepared(self, record: VoiceRecord, preparation: str, sealed: bytes) -> None:
        """Keep it for the others; a voice deleted or replaced meanwhile gets nothing."""
        voice_id = record.voice_id
        keys = (_INDEX, _PREPARED + voice_id)
        with answering():
            async with asyncio.timeout(_PATIENCE_S):
                row: Any = await self._redis.hget(_INDEX, voice_id)
                if row is not None and self._opened(voice_id, _raw(row)) == record:
                    await self._save_prepared(keys=keys, args=(voice_id, row, preparation, sealed))

    async def index(self) -> Mapping[str, VoiceRecord]:
        """Every voice's record."""
        with answering():
            rows = await self._redis.hgetall(_INDEX)
        named = ((_raw(name).decode(), _raw(row)) for name, row in rows.items())
        opened = ((name, self._opened(name, row)) for name, row in named)
        return {name: record for name, record in opened if record is not None}

    def _opened(self, voice_id: str, row: bytes) -> VoiceRecord | None:
        try:
            return VoiceRecord.from_json(self._sealer.open(row, context(voice_id)))
        except CannotOpen as error:
            log.warning("shared voice cannot be opened", extra={"why": error.message})
            return None

    async def deleted(self) -> Mapping[str, float]:
        """When ids were deleted."""
        with answering():
            rows = await self._redis.hgetall(_DELETED)
        return {_raw(name).decode(): float(at) for name, at in rows.items()}

    async def answers(self) -> bool:
        """Whether Redis can be reached."""
        return await is_answering(self._redis)


def _raw(value: bytes | str) -> bytes:
    """The client gives bytes; its types cannot tell."""
    return value if isinstance(value, bytes) else value.encode()
