"""Registered voices in Redis, for all replicas."""

import logging
from collections.abc import Mapping
from typing import Protocol

from redis.asyncio import Redis

from services.tts.pipeline.voice_record import StoredVoice, VoiceRecord, context
from shared.sealing import CannotOpen, Sealer
from shared.store import KEY_PREFIX, answering

log = logging.getLogger(__name__)

_INDEX = f"{KEY_PREFIX}tts:voices"
_DELETED = f"{KEY_PREFIX}tts:voices:deleted"
_SOUND = f"{KEY_PREFIX}tts:voice:"


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

    async def index(self) -> Mapping[str, VoiceRecord]:
        """Every voice's record."""
        ...

    async def deleted(self) -> Mapping[str, float]:
        """When ids were deleted, in seconds since 1970."""
        ...


class RedisShare:
    """The records in one hash, the sounds in a key each, all sealed."""

    def __init__(self, redis: Redis, sealer: Sealer) -> None:
        self._redis = redis
        self._sealer = sealer

    async def add(self, voice: StoredVoice, *, replace: bool) -> bool:
        """Put it there; of two replicas that try at once, one wins."""
        voice_id = voice.record.voice_id
        record = self._sealer.seal(voice.record.to_json(), context(voice_id))
        with answering():
            if replace:
                await self._redis.hset(_INDEX, voice_id, record)
            elif not await self._redis.hsetnx(_INDEX, voice_id, record):
                return False
            await self._redis.set(_SOUND + voice_id, voice.pack(self._sealer))
            await self._redis.hdel(_DELETED, voice_id)
        return True

    async def load(self, voice_id: str) -> StoredVoice | None:
        """The voice with its sound, or None."""
        with answering():
            data = await self._redis.get(_SOUND + voice_id)
        return None if data is None else StoredVoice.unpack(_raw(data), voice_id, self._sealer)

    async def delete(self, voice_id: str, now: float) -> None:
        """Forget it, and remember when, for replicas that sleep."""
        with answering():
            await self._redis.hset(_DELETED, voice_id, str(now))
            await self._redis.delete(_SOUND + voice_id)
            await self._redis.hdel(_INDEX, voice_id)

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


def _raw(value: bytes | str) -> bytes:
    """The client gives bytes; its types cannot tell."""
    return value if isinstance(value, bytes) else value.encode()
