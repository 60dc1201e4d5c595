"""Answers worth keeping: text and audio of a session's first turn, found again by meaning.

In Redis, for all replicas. An answer is found only in its own scope (key owner, prompt,
model, voice, language), lives as long as its session may, and is erased with it.
"""

import hashlib
import json
import re
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from redis.asyncio import Redis

from services.orchestrator.llm.embeddings import Embeddings, Vector
from services.orchestrator.pipeline.heard import Spoken
from services.orchestrator.pipeline.ports import Piece
from services.orchestrator.pipeline.words import words
from shared.errors import UpstreamFailed
from shared.sealing import CannotOpen, Sealer
from shared.store import KEY_PREFIX, answering

_ROOT = f"{KEY_PREFIX}answers"
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Scope:
    """What must be the same for an answer to be the same."""

    owner: str
    prompt: str
    model: str
    voice: str
    language: str | None
    form: str = "s16le/24000"
    """Of the audio."""

    @property
    def name(self) -> str:
        """A digest: prompts do not show in keys."""
        parts = [self.owner, self.prompt, self.model, self.voice, self.language or "", self.form]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said, and how it sounded."""

    text: str
    pieces: Sequence[Piece]

    def packed(self) -> bytes:
        """As bytes."""
        told = [
            [len(p.pcm), p.spoken.text_start, p.spoken.text_end, list(p.spoken.words)]
            for p in self.pieces
        ]
        head = json.dumps({"text": self.text, "pieces": told}).encode()
        return _LENGTH.pack(len(head)) + head + b"".join(p.pcm for p in self.pieces)

    @classmethod
    def unpacked(cls, data: bytes) -> "Answer":
        """The reverse of :meth:`packed`."""
        at = _LENGTH.size + _LENGTH.unpack_from(data)[0]
        head = json.loads(data[_LENGTH.size : at])
        pieces = []
        for size, start, end, times in head["pieces"]:
            spoken = Spoken(start, end, tuple((begin, until) for begin, until in times))
            pieces.append(Piece(data[at : at + size], spoken))
            at += size
        return cls(head["text"], tuple(pieces))


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept, and what counts as the same question."""

    ttl_s: int
    entries: int
    similarity: float


class AnswerCache:
    """Keeps answers and finds them again."""

    def __init__(
        self, redis: Redis, sealer: Sealer, limits: Limits, embeddings: Embeddings | None
    ) -> None:
        self._redis = redis
        self._sealer = sealer
        self._limits = limits
        self._embeddings = embeddings

    async def find(self, scope: Scope, said: str) -> Answer | None:
        """The answer to the same question, or None; a cache that fails finds nothing.

        Raises:
            UpstreamFailed: Redis does not answer.
        """
        name = _name(scope, said)
        with answering():
            data: Any = await self._redis.get(_entry(name))
            if data is None and (close := await self._closest(scope, said)) is not None:
                name = close
                data = await self._redis.get(_entry(name))
            if data is None:
                return None
            await self._redis.zadd(_ROOT, {name: time.time()}, xx=True)
        try:
            return Answer.unpacked(self._sealer.open(data, name))
        except CannotOpen:
            return None

    async def keep(self, scope: Scope, said: str, answer: Answer, session_id: str) -> None:
        """Remember an answer; the least recently used make room.

        Raises:
            UpstreamFailed: Redis does not answer.
        """
        name, ttl_s = _name(scope, said), self._limits.ttl_s
        vector = await self._vector(said)
        with answering():
            async with self._redis.pipeline(transaction=True) as change:
                change.set(_entry(name), self._sealer.seal(answer.packed(), name), ex=ttl_s)
                change.zadd(_ROOT, {name: time.time()})
                change.sadd(_of_session(session_id), name)
                change.expire(_of_session(session_id), ttl_s)
                if vector is not None:
                    mark = _numbers(said).encode() + b"\0"
                    change.hset(_vectors(scope), name, mark + vector.tobytes())
                    change.expire(_vectors(scope), ttl_s)
                await change.execute()
            beyond: Any = await self._redis.zrange(_ROOT, 0, -self._limits.entries - 1)
            if beyond:
                await self._erase(beyond)

    async def forget(self, session_id: str) -> None:
        """Erase what a session left here.

        Raises:
            UpstreamFailed: Redis does not answer.
        """
        with answering():
            names: Any = await self._redis.smembers(_of_session(session_id))
            await self._erase(list(names))
            await self._redis.delete(_of_session(session_id))

    async def _erase(self, names: Sequence[bytes]) -> None:
        if names:
            await self._redis.delete(*(_entry(name.decode()) for name in names))
            await self._redis.zrem(_ROOT, *names)

    async def _vector(self, said: str) -> Vector | None:
        if self._embeddings is None:
            return None
        try:
            return await self._embeddings.of(said)
        except UpstreamFailed:  # the same words are still found
            return None

    async def _closest(self, scope: Scope, said: str) -> str | None:
        """The entry of the scope whose question means the same."""
        vector = await self._vector(said)
        if vector is None:
            return None
        known: Any = await self._redis.hgetall(_vectors(scope))
        best, name, mark = self._limits.similarity, None, _numbers(said).encode()
        for each, value in known.items():
            numbers, _, raw = value.partition(b"\0")
            if numbers != mark or len(raw) != vector.nbytes:
                continue  # "room 12" is not "room 21", however alike they sound
            if (likeness := float(np.frombuffer(raw, np.float32) @ vector)) >= best:
                best, name = likeness, each.decode()
        if name is not None and not await self._redis.exists(_entry(name)):
            await self._redis.hdel(_vectors(scope), name)
            return None
        return name


def _name(scope: Scope, said: str) -> str:
    """Of an entry: scope and the question's words."""
    words_of = hashlib.sha256(" ".join(words(said)).encode()).hexdigest()[:32]
    return f"{scope.name}:{words_of}"


def _numbers(said: str) -> str:
    return " ".join(re.findall(r"\d+", said))


def _entry(name: str) -> str:
    return f"{_ROOT}:entry:{name}"


def _vectors(scope: Scope) -> str:
    return f"{_ROOT}:vectors:{scope.name}"


def _of_session(session_id: str) -> str:
    return f"{_ROOT}:session:{session_id}"
