"""``WS /ws``: the native protocol, a thin adapter between a socket and a listener."""

import asyncio
import secrets

from starlette.websockets import WebSocket

from services.asr.engines.base import SAMPLE_RATE
from services.asr.pipeline.hearing import Hearing
from services.asr.pipeline.intake import Intake
from services.asr.pipeline.listener import Listener
from shared.errors import Draining, InvalidRequest, ParleyError
from shared.logs import correlated
from shared.protocol.asr import ASR_CLIENT, AsrClientMessage, Config, End, Ready
from shared.protocol.base import Limits, Ping, Pong
from shared.web.auth import subprotocol
from shared.web.liveness import Liveness
from shared.web.places import Places
from shared.web.sockets import MAX_MESSAGE_BYTES, Socket

SLICE = 64 * 1024
"""Bytes of a binary frame that are decoded at once."""


class Stream:
    """Serves live streams; one call a connection."""

    def __init__(self, hearing: Hearing, places: Places, liveness: Liveness) -> None:
        self._hearing = hearing
        self._places = places
        self._liveness = liveness

    async def serve(self, websocket: WebSocket) -> None:
        """Listen to one client until it ends, leaves or the service stops."""
        await websocket.accept(subprotocol(websocket.scope["subprotocols"]))
        session_id = secrets.token_hex(8)
        socket: Socket[AsrClientMessage] = Socket(
            websocket,
            ASR_CLIENT,
            clock=self._hearing.clock,
            metrics=self._hearing.metrics,
            liveness=self._liveness,
        )
        with correlated(session_id=session_id):
            connection = _Connection(socket, self._hearing, session_id)
            await socket.send(self._ready(session_id))
            await socket.run(
                connection.read(), connection.listen(), connection.leave(self._places.draining)
            )

    def _ready(self, session_id: str) -> Ready:
        info = self._hearing.engine.info
        return Ready(
            session_id=session_id,
            model=info.model,
            engine=info.name,
            sample_rate=SAMPLE_RATE,
            limits=Limits(
                max_connections=self._places.capacity,
                max_message_bytes=MAX_MESSAGE_BYTES,
                max_turn_s=self._hearing.max_turn_s,
            ),
            capabilities=tuple(sorted(info.capabilities)),
            reason=info.reason or None,
        )


class _Connection:
    """The three things that go on in a connection."""

    def __init__(self, socket: Socket[AsrClientMessage], hearing: Hearing, session_id: str) -> None:
        self._socket = socket
        self._hearing = hearing
        self._listener: Listener = hearing.listener(session_id)
        self._intake = Intake()

    async def read(self) -> None:
        """Take what the client sends; no faster than it is worked through."""
        while True:
            received = await self._socket.receive()
            try:
                await self._take(received)
            except ParleyError as error:
                await self._socket.fail(error)

    async def listen(self) -> None:
        """Send what is heard; then close."""
        await self._listener.run(self._socket.send)
        await self._socket.close()

    async def leave(self, draining: asyncio.Event) -> None:
        """When the service is about to stop: go once the current turn is done."""
        await draining.wait()
        while not self._listener.idle:
            await self._listener.worked()
        raise Draining("the service is stopping; connect again", retry_after_s=5)

    async def _take(self, received: AsrClientMessage | bytes) -> None:
        match received:
            case bytes():
                await self._hear(received)
            case Config():
                await self._configure(received)
            case End():
                self._listener.hear(self._intake.flush())
                self._listener.tell(received)
            case Ping() | Pong():
                return
            case _:
                self._listener.tell(received)

    async def _hear(self, data: bytes) -> None:
        """Take a frame of any length in slices, so that neither memory nor others suffer."""
        refused: InvalidRequest | None = None
        for at in range(0, len(data), SLICE):
            try:
                self._listener.hear(self._intake.feed(data[at : at + SLICE]))
            except InvalidRequest as error:
                refused = refused or error
            while self._listener.crowded:
                await self._listener.worked()
                self._socket.excuse()
        if refused is not None:
            raise refused

    async def _configure(self, message: Config) -> None:
        objections = self._hearing.objections(message)
        self._listener.tell(self._hearing.granted(self._intake.configure(message)))
        for code, text in objections:
            await self._socket.warn(code, text)
