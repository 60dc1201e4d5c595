"""One turn on a live socket of Deepgram's."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from services.asr.engines.base import EMPTY, SAMPLE_RATE, Samples, Transcript
from services.asr.engines.deepgram_results import Results
from shared.audio.pcm import Encoding, encode
from shared.errors import DeadlineExceeded, ParleyError, UpstreamFailed

KEEP_ALIVE_S = 4.0
"""Deepgram closes a socket that says nothing for ten seconds."""
UNCONFIRMED_S = 1.5
"""Silence of a server that was told to finalize, after which its last words are taken as they
are: it promises an answer only when it holds much audio that it has not settled."""
SETTLED_S = 0.05
"""What may be missing from audio that counts as settled to its end."""
MOST_WAITING = 600
"""Frames that may wait for the socket; more means that the line is too slow."""
UNCONFIRMED = ("partial_result", "deepgram did not confirm the last words")
_FINALIZE = '{"type":"Finalize"}'
_CLOSE = '{"type":"CloseStream"}'
_KEEP_ALIVE = '{"type":"KeepAlive"}'


class DeepgramUtterance:
    """Sends what it is fed at once; the text is there when it is asked for.

    Args:
        connect: opens a socket, or raises one of our errors.
        timeout_s: longest wait for the last words.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[ClientConnection]], *, timeout_s: float
    ) -> None:
        self._connect = connect
        self._timeout_s = timeout_s
        self._outbox: asyncio.Queue[bytes | str] = asyncio.Queue(MOST_WAITING)
        self._results = Results()
        self._news = asyncio.Event()
        self._line: asyncio.Task[None] | None = None
        self._error: ParleyError | None = None
        self._asked = 0
        """Answers to `Finalize` after which all is said."""
        self._fed = False
        """Whether samples came after the last of them."""
        self._fed_s = 0.0
        """Seconds of audio so far."""
        self._settled = 0.0

    def feed(self, samples: Samples) -> None:
        """Send what was heard next."""
        if self._line is None:
            self._line = asyncio.create_task(self._talk(), name="deepgram")
        self._fed = True
        self._fed_s += len(samples) / SAMPLE_RATE
        self._put(encode(samples, Encoding.S16LE))

    async def partial(self) -> Transcript:
        """The words so far, as Deepgram has told them."""
        self._check()
        return self._results.transcript(self._settled)

    async def final(self) -> Transcript:
        """All words; Deepgram is asked for the last of them once for the same samples.

        Raises:
            DeadlineExceeded: they did not come in time.
            UpstreamFailed, UpstreamRefused, UpstreamLimited: the line failed.
        """
        if self._line is None:
            return EMPTY
        if self._fed:
            self._asked = self._results.finalized + 1
            self._fed = False
            self._put(_FINALIZE)
        try:
            async with asyncio.timeout(self._timeout_s):
                confirmed = await self._confirmed()
        except TimeoutError:
            raise DeadlineExceeded(
                f"deepgram did not answer within {self._timeout_s:g} s"
            ) from None
        found = self._results.transcript(self._settled)
        return found if confirmed else replace(found, warnings=(UNCONFIRMED,))

    async def _confirmed(self) -> bool:
        """Wait for the last words; whether Deepgram says that these are all."""
        while not self._complete:
            self._check()
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), UNCONFIRMED_S)
            except TimeoutError:
                if self._results.heard:
                    return False
        return True

    @property
    def _complete(self) -> bool:
        settled = self._results.settled_s >= self._fed_s - SETTLED_S
        return settled or self._results.finalized >= self._asked

    def settle(self, until: float) -> None:
        """Leave out the words that end by ``until``; no audio is kept anyway."""
        self._settled = until

    async def aclose(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.cancel()
            await asyncio.gather(self._line, return_exceptions=True)

    def _put(self, data: bytes | str) -> None:
        try:
            self._outbox.put_nowait(data)
        except asyncio.QueueFull:
            self._fail(UpstreamFailed("the line to deepgram is slower than speech"))

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _fail(self, error: ParleyError) -> None:
        self._error = error
        self._news.set()

    async def _talk(self) -> None:
        """The line's life: what fails is told to whoever asks next."""
        try:
            socket = await self._connect()
            async with socket, asyncio.TaskGroup() as group:
                group.create_task(self._send(socket))
                await self._listen(socket)
        except* ParleyError as errors:
            self._fail(next(each for each in errors.exceptions if isinstance(each, ParleyError)))

    async def _send(self, socket: ClientConnection) -> None:
        try:
            while True:
                await socket.send(await self._next())
        except ConnectionClosed:
            return  # the listener tells why
        finally:
            with contextlib.suppress(ConnectionClosed):
                await socket.send(_CLOSE)

    async def _next(self) -> bytes | str:
        try:
            return await asyncio.wait_for(self._outbox.get(), KEEP_ALIVE_S)
        except TimeoutError:
            return _KEEP_ALIVE

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for message in socket:
                self._results.take(message)
                self._news.set()
        except ConnectionClosed as error:
            raise UpstreamFailed("deepgram cut the line") from error
        raise UpstreamFailed("deepgram closed the line")
