"""Between the engine and the socket: bounded, and aware of how far ahead of the ear it is."""

import asyncio
from collections import deque

from services.tts.pipeline.assembly import Piece
from shared.clock import Clock

_COMFORTABLE_S = 4.0
"""A listener with this much audio ahead lets others go first."""


class Allowance:
    """The unsent audio of one connection, which all its requests share."""

    def __init__(self, most_s: float) -> None:
        self._most_s = most_s
        self._unsent_s = 0.0
        self._room = asyncio.Condition()

    @property
    def unsent_s(self) -> float:
        """Seconds of audio that were made and not sent."""
        return self._unsent_s

    async def add(self, seconds: float) -> None:
        """Wait until there is room, and take it. A piece longer than all room goes alone."""
        async with self._room:
            await self._room.wait_for(
                lambda: not self._unsent_s or self._unsent_s + seconds <= self._most_s
            )
            self._unsent_s += seconds

    async def remove(self, seconds: float) -> None:
        """Give room back."""
        async with self._room:
            self._unsent_s = max(0.0, self._unsent_s - seconds)
            self._room.notify_all()


class Playout:
    """One request's pieces on their way out."""

    def __init__(self, allowance: Allowance, clock: Clock) -> None:
        self._allowance = allowance
        self._clock = clock
        self._pieces: deque[Piece] = deque()
        self._news = asyncio.Event()
        self._closed = False
        self._began_at: float | None = None
        self._sent_s = 0.0

    @property
    def begun(self) -> bool:
        """Whether the listener has something to hear, or soon will."""
        return self._began_at is not None or bool(self._pieces)

    @property
    def ahead(self) -> bool:
        """Whether the listener, who hears a second a second, has seconds in store."""
        if self._began_at is None:
            return False
        heard = self._clock.now() - self._began_at
        return self._sent_s - heard > _COMFORTABLE_S

    async def put(self, piece: Piece) -> None:
        """Add a piece; waits while too much is unsent."""
        await self._allowance.add(piece.seconds)
        self._pieces.append(piece)
        self._news.set()

    def close(self) -> None:
        """No piece follows."""
        self._closed = True
        self._news.set()

    async def drop(self) -> None:
        """Throw away what was not sent, and close."""
        seconds = sum(piece.seconds for piece in self._pieces)
        self._pieces.clear()
        self.close()
        await self._allowance.remove(seconds)

    async def get(self) -> Piece | None:
        """The next piece to send; None: that was all. Say `sent` when it is out."""
        while not self._pieces:
            if self._closed:
                return None
            self._news.clear()
            await self._news.wait()
        return self._pieces.popleft()

    async def sent(self, piece: Piece) -> None:
        """The piece has left; its room is free."""
        if self._began_at is None:
            self._began_at = self._clock.now()
        self._sent_s += piece.seconds
        await self._allowance.remove(piece.seconds)
