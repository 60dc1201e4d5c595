"""Sessions: what is kept of a conversation while its client comes and goes.

:class:`SessionStore` is the seam; ``memory`` keeps them in this process,
``redis`` for all replicas. One contract suite tests both.
"""

import secrets
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from services.orchestrator.llm.base import Message
from shared.protocol.conversation import CreateSession

MOST_EVENTS = 1000
"""Events kept for a resume; a client that missed more gets the newest of them."""
MOST_LINES = 10_000
"""Lines of a transcript; the oldest go first."""
MOST_IDS = 1000
"""Ids of client messages remembered, so that none is applied twice."""


def now() -> datetime:
    """Wall time: sessions expire by the calendar, on every replica alike."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Session:
    """One session as it is stored."""

    session_id: str
    """``s_`` and 128 random bits."""
    owner: str
    """Fingerprint of the key that made it."""
    resume_token: str
    settings: CreateSession
    expires_at: datetime
    seq: int = 0
    """Of the last event."""
    turns: int = 0
    messages: tuple[Message, ...] = ()
    """The history."""

    @classmethod
    def new(cls, owner: str, settings: CreateSession, ttl_s: float) -> "Session":
        """A session that nobody has used yet."""
        return cls(
            session_id=f"s_{secrets.token_hex(16)}",
            owner=owner,
            resume_token=secrets.token_urlsafe(32),
            settings=settings,
            expires_at=now() + timedelta(seconds=ttl_s),
        )

    def extended(self, ttl_s: float) -> "Session":
        """The same, expiring ``ttl_s`` seconds from now."""
        return replace(self, expires_at=now() + timedelta(seconds=ttl_s))


class SessionStore(Protocol):
    """Where sessions live. Every call by ``owner`` sees that owner's sessions only."""

    durable: bool
    """Whether sessions survive a restart of this process."""

    async def create(self, session: Session) -> None:
        """Keep a new session.

        Raises:
            AtCapacity: there are too many.
        """
        ...

    async def get(self, session_id: str, owner: str) -> Session:
        """Look one up.

        Raises:
            NotFound: it never was, has expired, or is somebody else's.
        """
        ...

    async def of(self, owner: str) -> Sequence[Session]:
        """All of an owner."""
        ...

    async def count(self) -> int:
        """How many are kept, of all owners."""
        ...

    async def save(self, session: Session) -> None:
        """Replace what is stored; a session deleted in the meantime stays deleted."""
        ...

    async def delete(self, session_id: str, owner: str) -> None:
        """Erase everything that is kept of it.

        Raises:
            NotFound: as for :meth:`get`.
        """
        ...

    async def log(self, session_id: str, seq: int, event: str) -> None:
        """Write an event (JSON text, its ``seq`` inside) before it is sent.

        Raises:
            Conflict: this number was given already: the session is held elsewhere.
        """
        ...

    async def since(self, session_id: str, seq: int) -> Sequence[str]:
        """The events after ``seq``, in order, as far back as they are kept."""
        ...

    def follow(self, session_id: str, seq: int) -> AsyncGenerator[str, None]:
        """The events after ``seq`` and all that come, until the session is gone."""
        ...

    async def write_down(self, session_id: str, line: str) -> None:
        """Add a line (JSON text) to the session's transcript, for sessions that want one."""
        ...

    async def transcript(self, session_id: str) -> Sequence[str]:
        """All lines, in order."""
        ...

    async def first_time(self, session_id: str, message_id: str) -> bool:
        """Remember that a client's message was applied.

        Returns:
            False when it was before, on whatever connection.
        """
        ...
