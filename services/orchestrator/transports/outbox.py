"""Events and audio on their way to one client's socket, in order and bounded."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.orchestrator.llm.base import Message as ChatMessage
from services.orchestrator.sessions.base import (
    MOST_EVENTS,
    MOST_IDS,
    MOST_LINES,
    Session,
    SessionStore,
    now,
)
from services.orchestrator.sessions.transcript import spoken
from services.orchestrator.transports.line import Line
from shared.errors import Conflict, TooLarge, UpstreamFailed
from shared.protocol.base import Message
from shared.protocol.conversation import AudioClear, Quality, ReplyDone, TranscriptEvent

_MOST_BYTES = 2_000_000
"""40 s of speech that the client has not read, though it is sent as it is played."""
_MOST_ITEMS = 5_000
_STORE_PATIENCE_S = 0.25
"""Longest that a conversation waits for its log; then it goes on without."""
_STORE_RETRY_S = 0.5
_DEGRADED = Quality(level="degraded", reason="the session store does not answer")
_GOOD = Quality(level="good", reason="the session store answers again")


@dataclass(frozen=True, slots=True)
class _Keep:
    messages: tuple[ChatMessage, ...]


class Outbox:
    """Numbers events, logs them in the session's store, then sends them.

    A client that does not read is let go before what waits for it grows without bound. While
    the store does not answer the conversation goes on: what the store should know is kept, and
    brought to it when it does.
    """

    def __init__(self, session: Session, store: SessionStore) -> None:
        self.session = session
        self._store = store
        self._items: deque[Message | bytes | _Keep] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._full = asyncio.Event()
        self._unlogged: deque[tuple[int, str]] = deque(maxlen=MOST_EVENTS)
        """What the store could not take yet, like what follows."""
        self._unwritten: deque[str] = deque(maxlen=MOST_LINES)
        self._unremembered: deque[str] = deque(maxlen=MOST_IDS)
        self._unsaved = False
        self._behind = asyncio.Event()
        self._catching_up = asyncio.Lock()

    def tell(self, message: Message) -> None:
        """Send an event; audio that waits is overtaken by ``audio.clear`` and dropped."""
        if isinstance(message, AudioClear):
            self._items = deque(item for item in self._items if not isinstance(item, bytes))
            self._bytes = 0
        elif isinstance(message, ReplyDone):
            self.session = replace(self.session, turns=self.session.turns + 1)
        self._put(message)

    def play(self, pcm: bytes) -> None:
        """Send audio."""
        self._bytes += len(pcm)
        self._put(pcm)

    def keep(self, messages: Sequence[ChatMessage]) -> None:
        """Store the history, after the events before it."""
        self._put(_Keep(tuple(messages)))

    def _put(self, item: Message | bytes | _Keep) -> None:
        self._items.append(item)
        if self._bytes > _MOST_BYTES or len(self._items) > _MOST_ITEMS:
            self._full.set()
        self._empty.clear()
        self._news.set()

    async def drained(self) -> None:
        """Wait until everything was sent."""
        await self._empty.wait()

    async def pump(self, line: Line) -> None:
        """Send until cancelled.

        Raises:
            Disconnected: the client is gone.
        """
        while True:
            await self._news.wait()
            while self._items:
                item = self._items.popleft()
                if isinstance(item, bytes):
                    self._bytes -= len(item)
                    await line.send_audio(item)
                elif isinstance(item, _Keep):
                    self.session = replace(self.session, messages=item.messages)
                    self._unsaved = True
                    await self._record()
                else:
                    await self._send(line, item)
            self._news.clear()
            self._empty.set()

    async def guard(self) -> None:
        """End when too much waits.

        Raises:
            TooLarge: the client does not read.
        """
        await self._full.wait()
        raise TooLarge("the client does not read what it is sent")

    async def mend(self) -> None:
        """While the store does not answer, try again and again; run beside :meth:`pump`."""
        while True:
            await self._behind.wait()
            self._put(_DEGRADED)
            while not await self._caught_up():  # noqa: ASYNC110 - each look is a try
                await asyncio.sleep(_STORE_RETRY_S)
            self._behind.clear()
            self._put(_GOOD)

    async def first_time(self, name: str) -> bool:
        """Whether a client's message of that id is new; remember that it was applied.

        While the store does not answer, as far as this connection knows: a client that
        interrupts is not to wait for a log.
        """
        if name in self._unremembered:
            return False
        if not self._behind.is_set():
            try:
                async with asyncio.timeout(_STORE_PATIENCE_S):
                    return await self._store.first_time(self.session.session_id, name)
            except (UpstreamFailed, TimeoutError):
                self._behind.set()
        self._unremembered.append(name)
        return True

    async def _send(self, line: Line, event: Message) -> None:
        numbered = self._numbered(event)
        await self._record()
        await line.send(numbered)

    async def _record(self) -> None:
        """Bring the store up to date, unless it does not answer: that is mended elsewhere."""
        if not self._behind.is_set() and not await self._caught_up(_STORE_PATIENCE_S):
            self._behind.set()

    def _numbered(self, event: Message) -> Message:
        """The event with its number, noted for the log and, where one is kept, the transcript."""
        self.session = replace(self.session, seq=self.session.seq + 1)
        numbered = event.model_copy(update={"seq": self.session.seq})
        self._unlogged.append((self.session.seq, numbered.wire()))
        wanted = self.session.settings.transcript_log
        if wanted and isinstance(event, TranscriptEvent | ReplyDone):
            self._unwritten.append(spoken(event, now()))
        return numbered

    async def _caught_up(self, patience_s: float | None = None) -> bool:
        """Bring the store what it has not, oldest first; whether it took it.

        Raises:
            Conflict: another connection writes this session's events.
        """
        try:
            async with asyncio.timeout(patience_s), self._catching_up:
                await self._catch_up(self.session.session_id)
        except (UpstreamFailed, TimeoutError):
            return False
        return True

    async def _catch_up(self, name: str) -> None:
        while self._unlogged:
            await self._log(*self._unlogged[0])
            self._unlogged.popleft()
        while self._unwritten:
            await self._store.write_down(name, self._unwritten[0])
            self._unwritten.popleft()
        while self._unremembered:
            await self._store.first_time(name, self._unremembered[0])
            self._unremembered.popleft()
        if self._unsaved:
            session = self.session
            await self._store.save(session)
            self._unsaved = self.session.messages is not session.messages

    async def _log(self, seq: int, text: str) -> None:
        try:
            await self._store.log(self.session.session_id, seq, text)
        except Conflict:  # ours, from a try whose answer was lost, or another's
            kept = await self._store.since(self.session.session_id, seq - 1)
            if not kept or kept[0] != text:
                raise

    async def close(self) -> None:
        """Log what was not sent, for a resume, and keep the session; audio is lost."""
        for item in self._items:
            if isinstance(item, _Keep):
                self.session = replace(self.session, messages=item.messages)
            elif not isinstance(item, bytes):
                self._numbered(item)
        with contextlib.suppress(Conflict, UpstreamFailed):  # held elsewhere, or no store
            if await self._caught_up(_STORE_RETRY_S):
                await self._store.save(self.session)
