"""One request to the TTS service: its text on the way in, its audio on the way out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from shared.audio.pcm import Encoding, Samples, decode
from shared.errors import ParleyError, UpstreamFailed
from shared.protocol import tts
from shared.protocol.base import WarningMessage

MOST_WAITING = 64
"""Chunks that wait for their consumer; the connection is not read while there are more."""

Outgoing = tts.Synthesize | tts.Text | tts.Flush | tts.End | tts.Cancel


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some audio and what it says."""

    message: tts.AudioChunk
    audio: bytes
    """In the request's format."""
    format: tts.AudioFormat

    @property
    def samples(self) -> Samples:
        """float32 [n] at ``format.sample_rate``."""
        return decode(self.audio, Encoding(self.format.encoding))


class SpeechRequest:
    """Iterate it for its chunks; the iteration ends when all audio came or it was cancelled.

    Made by :meth:`shared.clients.tts.TtsClient.request`.
    """

    def __init__(self, first: tts.Synthesize, pump: Callable[[], Awaitable[None]]) -> None:
        if first.request_id is None:
            raise ValueError("a request of a client needs an id")
        self.request_id = first.request_id
        self.format = first.format
        self.complete: tts.SynthesisComplete | None = None
        """Set when all audio came."""
        self.warnings: list[WarningMessage] = []
        self._pump = pump
        self._outbox: list[Outgoing] = [first]
        self._sent = 0
        self._room = asyncio.Semaphore(MOST_WAITING)
        self._chunks: asyncio.Queue[Chunk | ParleyError | None] = asyncio.Queue()
        """Bounded by ``_room``: the end is never kept waiting."""
        self._begun = False
        self._ended = False
        self._closed = False

    async def text(self, text: str) -> None:
        """Add text to a request that was opened with ``more``."""
        await self._say(tts.Text(request_id=self.request_id, text=text))

    async def flush(self) -> None:
        """Have spoken what is there, without waiting for the clause to end."""
        await self._say(tts.Flush(request_id=self.request_id))

    async def end(self) -> None:
        """The text is complete."""
        await self._say(tts.End(request_id=self.request_id))

    async def cancel(self) -> None:
        """Stop it; chunks that are on the way are thrown away."""
        if self._closed:
            return
        self._closed = True
        while not self._chunks.empty():
            self._chunks.get_nowait()
        self._room.release()  # whoever waits to deliver may throw it away
        if not self._ended:
            self._chunks.put_nowait(None)
            self._outbox.append(tts.Cancel(request_id=self.request_id))
            await self._pump()

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        """Chunks as they come.

        Raises:
            ParleyError: the service refused or failed, or the line was lost in the middle.
        """
        while (chunk := await self._chunks.get()) is not None:
            if isinstance(chunk, ParleyError):
                raise chunk
            self._room.release()
            yield chunk

    # What follows is the client's side.

    @property
    def over(self) -> bool:
        """Nothing more comes of it."""
        return self._ended

    @property
    def begun(self) -> bool:
        """Audio of it came: it cannot be asked for again on another line."""
        return self._begun

    def take(self) -> Outgoing | None:
        """The next message that the present line has not had."""
        if self._sent == len(self._outbox):
            return None
        self._sent += 1
        return self._outbox[self._sent - 1]

    def rewind(self) -> None:
        """A new line has had nothing."""
        self._sent = 0

    async def deliver(self, message: tts.AudioChunk, audio: bytes) -> None:
        """A chunk came; waits while the consumer is far behind."""
        self._begun = True
        if not self._closed:
            await self._room.acquire()
        if not self._closed:
            self._chunks.put_nowait(Chunk(message, audio, self.format))

    def finish(self, end: tts.SynthesisComplete | ParleyError | None) -> None:
        """It is over: complete, failed, or cancelled (None)."""
        if self._ended:
            return
        self._ended = True
        if isinstance(end, tts.SynthesisComplete):
            self.complete = end
        if not self._closed:
            self._chunks.put_nowait(end if isinstance(end, ParleyError) else None)

    def lose(self) -> None:
        """The line is gone; what has not begun is said again on the next."""
        if self._begun or self._closed:
            self.finish(UpstreamFailed("the connection was lost while speaking"))

    async def _say(self, message: Outgoing) -> None:
        if self._ended or self._closed:
            return
        self._outbox.append(message)
        await self._pump()
