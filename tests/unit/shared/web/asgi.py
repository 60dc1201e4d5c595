"""Drives an ASGI app without a server: what goes in, what comes out."""

import asyncio
from collections.abc import Iterable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.metrics import Metrics


def http(path: str = "/x", method: str = "GET", **headers: str) -> dict[str, Any]:
    return {
        "type": "http",
        "path": path,
        "method": method,
        "headers": _encoded(headers),
        "query_string": b"",
        "client": ("127.0.0.1", 5000),
    }


def websocket(
    path: str = "/ws", headers: dict[str, str] | None = None, *, denial: bool = True
) -> dict[str, Any]:
    return {
        "type": "websocket",
        "path": path,
        "headers": _encoded(headers or {}),
        "query_string": b"",
        "subprotocols": [],
        "client": ("127.0.0.1", 5000),
        "extensions": {"websocket.http.response": {}} if denial else {},
    }


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]


async def call(app: ASGIApp, scope: Scope, incoming: Iterable[Message] = ()) -> list[Message]:
    """Everything that the app sent; more than ``incoming`` is never received."""
    waiting = list(incoming)
    sent: list[Message] = []

    async def receive() -> Message:
        if waiting:
            return waiting.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


class Raising:
    """An app that raises, before or after it began to answer."""

    def __init__(self, error: Exception, *first: Message) -> None:
        self.error = error
        self.first = first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for message in self.first:
            await send(message)
        raise self.error


class Recording:
    """An app that answers 200 or accepts, and keeps the scope it saw."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = dict(scope)
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"ok"})
        else:
            await send({"type": "websocket.accept"})


def metrics() -> Metrics:
    return Metrics("test")
