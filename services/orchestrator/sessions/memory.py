"""Sessions of this process; gone when it ends."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from services.orchestrator.sessions.base import (
    MOST_EVENTS,
    MOST_IDS,
    MOST_LINES,
    Session,
    now,
)
from shared.errors import AtCapacity, Conflict, NotFound


@dataclass(slots=True)
class _Kept:
    session: Session
    events: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=MOST_EVENTS))
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    applied: OrderedDict[str, None] = field(default_factory=OrderedDict)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)


class MemorySessions:
    """A store without Redis: the same behaviour, for one replica and one life."""

    durable = False

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def create(self, session: Session) -> None:
        """Keep a new session; expired ones make room."""
        if len(self._kept) >= self._limit:
            self._sweep()
        if len(self._kept) >= self._limit:
            raise AtCapacity(f"{self._limit} sessions exist", retry_after_s=30)
        self._kept[session.session_id] = _Kept(session)

    async def get(self, session_id: str, owner: str) -> Session:
        """Look one up."""
        return self._living(session_id, owner).session

    async def of(self, owner: str) -> Sequence[Session]:
        """All of an owner."""
        self._sweep()
        return [kept.session for kept in self._kept.values() if kept.session.owner == owner]

    async def count(self) -> int:
        """How many are kept."""
        self._sweep()
        return len(self._kept)

    async def save(self, session: Session) -> None:
        """Replace what is stored."""
        if session.session_id in self._kept:
            self._kept[session.session_id].session = session

    async def delete(self, session_id: str, owner: str) -> None:
        """Erase everything that is kept of it."""
        kept = self._living(session_id, owner)
        del self._kept[session_id]
        async with kept.news:
            kept.news.notify_all()

    async def log(self, session_id: str, seq: int, event: str) -> None:
        """Write an event."""
        kept = self._kept.get(session_id)
        if kept is None:
            return
        if kept.events and seq <= kept.events[-1][0]:
            raise Conflict("another connection took this session")
        async with kept.news:
            kept.events.append((seq, event))
            kept.news.notify_all()

    async def since(self, session_id: str, seq: int) -> Sequence[str]:
        """The events after ``seq``."""
        kept = self._kept.get(session_id)
        return [] if kept is None else [event for at, event in kept.events if at > seq]

    async def follow(self, session_id: str, seq: int) -> AsyncGenerator[str, None]:
        """The events after ``seq`` and all that come."""
        while (kept := self._kept.get(session_id)) is not None:
            fresh = [(at, event) for at, event in kept.events if at > seq]
            for at, event in fresh:
                seq = at
                yield event
            if fresh:
                continue
            async with kept.news:
                if self._kept.get(session_id) is kept and not _newer(kept, seq):
                    await kept.news.wait()

    async def write_down(self, session_id: str, line: str) -> None:
        """Add a line to the session's transcript."""
        if (kept := self._kept.get(session_id)) is not None:
            kept.lines.append(line)

    async def transcript(self, session_id: str) -> Sequence[str]:
        """All lines, in order."""
        kept = self._kept.get(session_id)
        return [] if kept is None else list(kept.lines)

    async def first_time(self, session_id: str, message_id: str) -> bool:
        """Remember that a client's message was applied."""
        kept = self._kept.get(session_id)
        if kept is None or message_id in kept.applied:
            return False
        kept.applied[message_id] = None
        if len(kept.applied) > MOST_IDS:
            kept.applied.popitem(last=False)
        return True

    def _living(self, session_id: str, owner: str) -> _Kept:
        kept = self._kept.get(session_id)
        if kept is not None and kept.session.expires_at <= now():
            del self._kept[session_id]
            kept = None
        if kept is None or kept.session.owner != owner:
            raise NotFound(f"no session {session_id}", param="session_id")
        return kept

    def _sweep(self) -> None:
        over = [key for key, kept in self._kept.items() if kept.session.expires_at <= now()]
        for key in over:
            del self._kept[key]


def _newer(kept: _Kept, seq: int) -> bool:
    return bool(kept.events) and kept.events[-1][0] > seq
