"""A real WebSocket server that follows a script, one act a connection."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from shared.clients.connection import Endpoint
from shared.protocol.base import Message

Act = Callable[[ServerConnection], Awaitable[None]]


@dataclass(frozen=True)
class Refusal:
    """An act that refuses the handshake."""

    status: HTTPStatus
    body: str = "{}"
    retry_after: str | None = None


@dataclass
class Stage:
    """What happened so far."""

    endpoint: Endpoint
    requests: list[Request] = field(default_factory=list)


@asynccontextmanager
async def scripted(*acts: Act | Refusal) -> AsyncIterator[Stage]:
    """Connection number n plays act n; the last act is played again for all others."""
    stage = Stage(Endpoint("http://unset"))

    def act(number: int) -> Act | Refusal:
        return acts[min(number, len(acts) - 1)]

    def check(_: ServerConnection, request: Request) -> Response | None:
        stage.requests.append(request)
        refusal = act(len(stage.requests) - 1)
        if not isinstance(refusal, Refusal):
            return None
        headers = Headers({"Content-Type": "application/json"})
        if refusal.retry_after is not None:
            headers["Retry-After"] = refusal.retry_after
        body = refusal.body.encode()
        headers["Content-Length"] = str(len(body))
        return Response(refusal.status, refusal.status.phrase, headers, body)

    async def handle(connection: ServerConnection) -> None:
        play = act(len(stage.requests) - 1)
        assert not isinstance(play, Refusal)
        try:
            await play(connection)
        except ConnectionClosed:
            return

    async with serve(handle, "127.0.0.1", 0, process_request=check, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        stage.endpoint = Endpoint(f"http://127.0.0.1:{port}", "test service", open_timeout_s=5.0)
        yield stage


async def say(connection: ServerConnection, *messages: Message | bytes) -> None:
    """Send messages and binary frames."""
    for message in messages:
        await connection.send(message if isinstance(message, bytes) else message.wire())


def cut(connection: ServerConnection) -> None:
    """Vanish without a closing handshake."""
    connection.transport.abort()
