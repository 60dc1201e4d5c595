"""One typed WebSocket to a service of ours, and how long to try for one."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr, TypeAdapter
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from shared.clients import faults
from shared.clock import Clock
from shared.errors import InvalidRequest, ParleyError, UpstreamFailed
from shared.protocol.base import ErrorMessage, Message, Ping, Pong, parse
from shared.resilience import backoff

In = TypeVar("In")
E = TypeVar("E", bound=Message)
T = TypeVar("T")

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Longest frame accepted: minutes of float audio in one piece."""
_ORDERLY = 1000
_SCHEMES = frozenset({"http", "https", "ws", "wss"})
PING_S = 15.0
"""Seconds between pings that notice a dead line."""


class NotAnswering(UpstreamFailed):
    """Nobody listens at the address, or nobody answers in time."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service listens, and our key for it."""

    url: str
    """``http://host:port``, or with a path that a proxy puts in front."""
    name: str = "service"
    """For messages: ``ASR service``."""
    key: SecretStr | None = None
    open_timeout_s: float = 5.0
    """Longest wait for an answer to the handshake."""

    def __post_init__(self) -> None:
        """Refuse what is no address.

        Raises:
            InvalidRequest: naming it.
        """
        try:
            parts = urlsplit(self.url)
            sound = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
        except ValueError:
            sound = False
        if not sound:
            raise InvalidRequest(f"{self.url!r} is no address such as http://127.0.0.1:8001")

    def websocket(self, path: str) -> str:
        """The WebSocket address of a path."""
        scheme, host, base, _, _ = urlsplit(self.url)
        secure = scheme in ("https", "wss")
        return urlunsplit(("wss" if secure else "ws", host, base.rstrip("/") + path, "", ""))

    def http(self, path: str) -> str:
        """The HTTP address of a path."""
        return self.url.rstrip("/") + path

    @property
    def headers(self) -> dict[str, str]:
        """The key, as the services take it."""
        return (
            {} if self.key is None else {"Authorization": f"Bearer {self.key.get_secret_value()}"}
        )

    def silent(self) -> NotAnswering:
        """Nobody answers there."""
        return NotAnswering(f"{self.name} is not answering at {self.url}")


class Connection(Generic[In]):
    """An open WebSocket whose text frames are messages of one adapter.

    Pings of the native protocol are answered on the way. Iterating ends when the server
    closes in order (1000) and raises a :class:`ParleyError` for every other end.
    """

    def __init__(
        self, websocket: ClientConnection, adapter: TypeAdapter[In], endpoint: Endpoint
    ) -> None:
        self._websocket = websocket
        self._adapter = adapter
        self._endpoint = endpoint
        self._told: ParleyError | None = None

    @classmethod
    async def open(cls, endpoint: Endpoint, path: str, adapter: TypeAdapter[In]) -> Self:
        """Connect once.

        Args:
            path: from the endpoint's root, or a whole ``ws://`` address.

        Raises:
            ParleyError: the server refused, as what it said; or nobody is there.
        """
        address = path if path.startswith(("ws://", "wss://")) else endpoint.websocket(path)
        try:
            websocket = await connect(
                address,
                additional_headers=endpoint.headers,
                open_timeout=endpoint.open_timeout_s,
                ping_interval=PING_S,
                ping_timeout=PING_S,
                close_timeout=2.0,
                max_size=MAX_MESSAGE_BYTES,
                compression=None,
                proxy=None,
            )
        except InvalidStatus as error:
            raise _refusal(error) from error
        except (OSError, TimeoutError, WebSocketException) as error:
            raise endpoint.silent() from error
        return cls(websocket, adapter, endpoint)

    async def send(self, frame: Message | bytes) -> None:
        """Send a message or audio; waits while the server does not read.

        Raises:
            ParleyError: the line is gone.
        """
        try:
            await self._websocket.send(frame if isinstance(frame, bytes) else frame.wire())
        except ConnectionClosed as error:
            raise self._lost(error) from error

    async def receive(self) -> In | bytes | None:
        """The next message or binary frame; None: the server closed in order.

        Raises:
            ParleyError: the line was cut, the server closed with an error, or sent what
                this version does not know.
        """
        while True:
            try:
                frame = await self._websocket.recv()
            except ConnectionClosed as error:
                if error.rcvd is not None and error.rcvd.code == _ORDERLY:
                    return None
                raise self._lost(error) from error
            if isinstance(frame, bytes):
                return frame
            message = self._parsed(frame)
            if isinstance(message, Ping):
                await self.send(Pong(t=message.t))
            elif not isinstance(message, Pong):
                return message

    async def __aiter__(self) -> AsyncIterator[In | bytes]:
        while (received := await self.receive()) is not None:
            yield received

    async def greeted(self, kind: type[E]) -> E:
        """Wait for the server's first word, a message of ``kind``; closes if it is another.

        Raises:
            ParleyError: the server told of an error instead, closed, or said nothing in time.
        """
        async with AsyncExitStack() as refused:
            refused.push_async_callback(self.close)
            try:
                async with asyncio.timeout(self._endpoint.open_timeout_s):
                    greeting = self._greeting(await self.receive(), kind)
            except TimeoutError as error:
                raise self._endpoint.silent() from error
            refused.pop_all()
        return greeting

    async def close(self) -> None:
        """Close in order; a server that does not answer is left after two seconds."""
        await self._websocket.close()

    def _greeting(self, received: object, kind: type[E]) -> E:
        if isinstance(received, kind):
            return received
        if isinstance(received, ErrorMessage):
            raise faults.of_message(received)
        raise UpstreamFailed(f"{self._endpoint.name} did not say that it is ready")

    def _parsed(self, text: str) -> In:
        try:
            message = parse(self._adapter, text)
        except InvalidRequest as error:
            raise UpstreamFailed(
                f"{self._endpoint.name} does not speak this version: {error.message}"
            ) from error
        self._told = faults.of_message(message) if isinstance(message, ErrorMessage) else None
        return message

    def _lost(self, closed: ConnectionClosed) -> ParleyError:
        """What the server said right before it closed says more than its close code."""
        if self._told is not None:
            return self._told
        frame = closed.rcvd
        return faults.of_close(frame.code, frame.reason) if frame else faults.of_close(None)


async def keep_trying(
    attempt: Callable[[], Awaitable[T]],
    *,
    patience_s: float,
    clock: Clock,
    pauses: Iterator[float] | None = None,
) -> T:
    """Try until it works, with growing, jittered pauses; at least once.

    A server's ``Retry-After`` is respected. Errors that a new try cannot mend end it.

    Raises:
        ParleyError: of the last attempt, when the next one would begin after ``patience_s``.
    """
    pauses = backoff() if pauses is None else pauses
    give_up_at = clock.now() + patience_s
    while True:
        try:
            return await attempt()
        except ParleyError as error:
            pause = max(next(pauses), error.retry_after_s or 0.0)
            if not error.retryable or clock.now() + pause > give_up_at:
                raise
        await asyncio.sleep(pause)


def _refusal(error: InvalidStatus) -> ParleyError:
    response = error.response
    try:
        body: Any = json.loads(response.body or b"{}")
    except ValueError:
        body = {}
    return faults.of_response(response.status_code, body, response.headers.get("Retry-After"))
