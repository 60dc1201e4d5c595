"""A native-protocol WebSocket: typed messages, binary audio, liveness."""

import asyncio
from collections import deque
from collections.abc import Coroutine, MutableMapping
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from starlette.websockets import WebSocket, WebSocketDisconnect

from shared.clock import Clock
from shared.errors import InvalidRequest, ParleyError, TooLarge
from shared.metrics import Metrics
from shared.protocol.base import ErrorMessage, Message, Ping, Pong, WarningMessage, parse
from shared.web.faults import Disconnected
from shared.web.first import first_of
from shared.web.liveness import Liveness, Watch

In = TypeVar("In")

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""A longer frame closes the connection with 1009."""
_LOOK_S = 0.5
"""How soon it is noticed that a send is stuck."""


class Socket(Generic[In]):
    """One accepted connection.

    Sending waits while the peer does not read: whoever makes what is sent is slowed, and
    nothing piles up. A peer from which nothing is heard for ``peer_timeout_s``, not even
    an answer to ``ping``, is gone.
    """

    def __init__(
        self,
        websocket: WebSocket,
        adapter: TypeAdapter[In],
        *,
        clock: Clock,
        metrics: Metrics,
        liveness: Liveness | None = None,
    ) -> None:
        self._websocket = websocket
        self._adapter = adapter
        self._clock = clock
        self._metrics = metrics
        self._watch = Watch(clock, liveness or Liveness())
        self._sending = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._ahead: deque[MutableMapping[str, Any]] = deque()
        """Received while a send was stuck, and not asked for yet."""

    async def receive(self) -> In | bytes:
        """The next message or binary frame.

        Malformed messages are answered with ``error`` and skipped; pings are answered.

        Raises:
            Disconnected: the peer has closed or vanished.
        """
        while True:
            frame = await self._frame()
            if frame["type"] == "websocket.disconnect":
                raise Disconnected(frame.get("code"))
            self._watch.heard()
            data = frame.get("bytes")
            if data is not None:
                return bytes(data)
            message = await self._message(frame["text"])
            if isinstance(message, Ping):
                await self.send(Pong(t=message.t))
            elif message is not None and not isinstance(message, Pong):
                return message

    def excuse(self) -> None:
        """Count the peer as heard: it was us who did not listen."""
        self._watch.heard()

    async def send(self, message: Message, audio: bytes | None = None) -> None:
        """Send a message, and right behind it the binary frame that it announces.

        Raises:
            Disconnected: nobody is there any more.
        """
        async with self._sending:
            await self._put({"type": "websocket.send", "text": message.wire()})
            if audio is not None:
                await self._put({"type": "websocket.send", "bytes": audio})

    async def send_text(self, text: str) -> None:
        """Send a message that was written before, as it is."""
        async with self._sending:
            await self._put({"type": "websocket.send", "text": text})

    async def send_audio(self, audio: bytes) -> None:
        """Send a binary frame by itself."""
        async with self._sending:
            await self._put({"type": "websocket.send", "bytes": audio})

    async def fail(self, error: ParleyError, request_id: str | None = None) -> None:
        """Tell of an error; the connection stays open."""
        self._metrics.errors.labels(error.code).inc()
        await self.send(ErrorMessage.of(error, request_id))

    async def warn(self, code: str, message: str, request_id: str | None = None) -> None:
        """Tell of a counted degradation."""
        self._metrics.warnings.labels(code).inc()
        await self.send(WarningMessage(code=code, message=message, request_id=request_id))

    async def close(self, code: int = 1000) -> None:
        """Close in order; what was sent before still arrives."""
        async with self._sending:
            await self._put({"type": "websocket.close", "code": code})

    async def run(self, *work: Coroutine[Any, Any, None]) -> None:
        """Run the connection's coroutines until the first ends, watching the peer.

        Raises:
            Disconnected: the peer is gone. Whatever the coroutine that ended first raised.
        """
        await first_of(*work, self._watch.run(self._ask), self._read_ahead())

    async def _frame(self) -> MutableMapping[str, Any]:
        """The next frame, perhaps one that was read ahead."""
        async with self._reading:
            if self._ahead:
                return self._ahead.popleft()
            return await self._websocket.receive()

    async def _read_ahead(self) -> None:
        """See a peer leave although a send to it is stuck.

        Then the work waits for the send, nobody receives, and the server below us, whose
        queue of received frames is short, waits for us.
        """
        while True:
            await asyncio.sleep(_LOOK_S)
            while self._sending.locked() and not self._reading.locked():
                async with self._reading:
                    await self._read_one()

    async def _read_one(self) -> None:
        try:
            frame = await asyncio.wait_for(self._websocket.receive(), _LOOK_S)
        except TimeoutError:
            return
        self._ahead.append(frame)
        if frame["type"] == "websocket.disconnect":
            raise Disconnected(frame.get("code"))
        if sum(map(_size, self._ahead)) > MAX_MESSAGE_BYTES:
            raise Disconnected(TooLarge.close_code)

    async def _message(self, text: str) -> In | None:
        try:
            return parse(self._adapter, text)
        except InvalidRequest as error:
            await self.fail(error)
            return None

    async def _put(self, frame: dict[str, Any]) -> None:
        try:
            await self._websocket.send(frame)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise Disconnected from error

    async def _ask(self) -> None:
        if not self._sending.locked():  # else it does not even read what is there
            await self.send(Ping(t=self._clock.now()))


def _size(frame: MutableMapping[str, Any]) -> int:
    return len(frame.get("bytes") or frame.get("text") or "") + 1
