"""A live ASR stream that survives the loss of its line."""

from collections.abc import AsyncIterator
from typing import Self

from shared.audio.pcm import Encoding
from shared.clients.connection import Connection, Endpoint, keep_trying
from shared.clients.replay import Replay, shifted
from shared.clock import Clock, SystemClock
from shared.errors import ParleyError, UpstreamFailed
from shared.protocol import asr
from shared.protocol.base import WarningMessage

LINE_LOST = "line_lost"
"""Code of the warning: what was heard of the current segment is void."""
LINE_MENDED = "line_mended"
"""Code of the warning: unfinished audio was sent again on a new line."""


class AsrClient:
    """Sends audio, gives messages; use as a context manager and iterate once.

    When the line is lost the iterator tells so (``warning`` with ``line_lost``), connects
    again with backoff, sends the audio that no ``final`` has covered yet and goes on
    (``line_mended``): time and segments go on counting from the first sample of the first
    line. ``send`` never fails meanwhile; frames are kept.

    Args:
        endpoint: the ASR service.
        config: sent first; its audio format holds for the whole stream.
        patience_s: how long a lost line is tried for.
        first_patience_s: how long the first one is; 0: once.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        config: asr.Config | None = None,
        *,
        patience_s: float = 20.0,
        first_patience_s: float = 0.0,
        clock: Clock | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._config = config or asr.Config()
        self._patience_s = patience_s
        self._first_patience_s = first_patience_s
        self._clock = clock or SystemClock()
        width = Encoding(self._config.encoding).width
        self._replay = Replay(width * self._config.channels * self._config.sample_rate)
        self._connection: Connection[asr.AsrServerMessage] | None = None
        self._ready: asr.Ready | None = None
        self._line_up = False
        self._pumping = False
        self._offset_s = 0.0
        self._first_segment = 0
        self._next_segment = 0

    async def __aenter__(self) -> Self:
        await self._connect(self._first_patience_s)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._drop()

    @property
    def ready(self) -> asr.Ready:
        """What the service said of itself."""
        if self._ready is None:
            raise RuntimeError("the client is not connected")
        return self._ready

    @property
    def sent_s(self) -> float:
        """Seconds of audio sent so far."""
        return self._replay.end_s

    async def send(self, audio: bytes) -> None:
        """Send a frame in the configured format; waits while the service does not read."""
        self._replay.put(audio)
        await self._pump()

    async def tell(self, message: asr.Config | asr.Flush | asr.Reset | asr.Silence) -> None:
        """Send a control message, in order with the audio."""
        if isinstance(message, asr.Reset):
            await self._say(message)
            self._replay.reset()
            return
        if isinstance(message, asr.Config):
            self._config = self._config.changed(message)
        self._replay.put(message)
        await self._pump()

    async def end(self) -> None:
        """No more audio; the iterator ends after the last ``final``."""
        self._replay.put(asr.End())
        await self._pump()

    async def __aiter__(self) -> AsyncIterator[asr.AsrServerMessage]:
        """Messages as they come, also ``warning`` and ``error``.

        Raises:
            ParleyError: the service closed the stream for good, or stays away too long.
        """
        while True:
            try:
                async for message in self._messages():
                    yield message
            except ParleyError as error:
                if not error.retryable:
                    raise
                lost = error
            else:
                return
            await self._drop()
            yield WarningMessage(code=LINE_LOST, message=lost.message)
            await self._connect(self._patience_s)
            await self._pump()
            yield WarningMessage(code=LINE_MENDED, message="connected again; unheard audio sent")

    async def _messages(self) -> AsyncIterator[asr.AsrServerMessage]:
        if self._connection is None:
            raise UpstreamFailed("the connection was cut")
        async for message in self._connection:
            if not isinstance(message, bytes):
                yield self._placed(message)

    def _placed(self, message: asr.AsrServerMessage) -> asr.AsrServerMessage:
        """The message in the time of the whole stream, and what follows from it."""
        message = shifted(message, self._offset_s, self._first_segment)
        segment = getattr(message, "segment", None)
        if segment is not None:
            self._next_segment = max(self._next_segment, segment + 1)
        if isinstance(message, asr.Final):
            self._replay.settle(message.end)
        return message

    async def _connect(self, patience_s: float) -> None:
        self._connection = await keep_trying(self._open, patience_s=patience_s, clock=self._clock)
        self._line_up = True
        self._replay.rewind()
        self._offset_s = self._replay.start_s
        self._first_segment = self._next_segment

    async def _open(self) -> Connection[asr.AsrServerMessage]:
        connection = await Connection.open(self._endpoint, "/ws", asr.ASR_SERVER)
        self._ready = await connection.greeted(asr.Ready)
        await connection.send(self._config)
        return connection

    async def _pump(self) -> None:
        """Send what the present line has not had; one caller at a time does it for all."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._line_up and (frame := self._replay.take()) is not None:
                await self._say(frame)
        finally:
            self._pumping = False

    async def _say(self, frame: bytes | asr.AsrClientMessage) -> None:
        connection = self._connection
        if connection is None or not self._line_up:
            return
        try:
            await connection.send(frame)
        except ParleyError:
            # The iterator learns of it too, after what was received before, and mends it.
            if connection is self._connection:
                self._line_up = False

    async def _drop(self) -> None:
        connection, self._connection, self._line_up = self._connection, None, False
        if connection is not None:
            await connection.close()
