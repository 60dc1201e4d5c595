"""What is beneath a WebSocket's messages: whether bytes come, and pings.

ASGI has no pings, and hypercorn throws away the answers to its own. A protocol without pings of its
own needs them: a frozen client's kernel goes on acknowledging, and only the client itself answers.
"""

from collections.abc import Callable
from dataclasses import replace

from hypercorn.protocol import h2, h11
from hypercorn.protocol.events import Body, Data, Event, Request
from hypercorn.protocol.ws_stream import WSStream
from hypercorn.typing import ConnectionState
from starlette.websockets import WebSocket
from wsproto.events import Ping
from wsproto.utilities import LocalProtocolError

_LINE = "line"


class Line:
    """The line of one WebSocket."""

    def __init__(self, stream: WSStream) -> None:
        self._stream = stream
        self.on_heard: Callable[[], None] = _nobody
        """Called whenever bytes come, the answer to a ping among them."""

    @classmethod
    def of(cls, websocket: WebSocket) -> "Line | None":
        """That of an accepted WebSocket; None where another server carries it."""
        line = websocket.scope.get("state", {}).get(_LINE)
        return line if isinstance(line, cls) else None

    async def ping(self) -> None:
        """Send a ping, which every client's library answers; nothing where it is being closed."""
        try:
            data = self._stream.connection.send(Ping())
        except LocalProtocolError:
            return
        await self._stream.send(Data(stream_id=self._stream.stream_id, data=data))


class LineStream(WSStream):  # type: ignore[misc] # hypercorn is not typed
    """Hypercorn's stream, which puts its line into the ``state`` of the scope."""

    _line: Line | None = None

    async def handle(self, event: Event) -> None:
        """Note what came, and pass it on."""
        if isinstance(event, Request):
            self._line = Line(self)  # the state is the server's, shared by all: a copy for ours
            event = replace(event, state=ConnectionState({**event.state, _LINE: self._line}))
        elif isinstance(event, Body | Data) and self._line is not None:
            self._line.on_heard()
        await super().handle(event)


def install_lines() -> None:
    """Have hypercorn make these streams; it has no setting for it."""
    for protocol in (h11, h2):
        protocol.WSStream = LineStream


def _nobody() -> None:
    """Nobody wants to know."""
