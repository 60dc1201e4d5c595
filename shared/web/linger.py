"""A refusal that arrives although the client is still sending.

Clients send their whole body before they read the answer. A server that answers early
and closes resets the connection under them, and they see a broken pipe instead of the
413, 401 or 503. So the end of an early answer waits until the body was taken off the
wire and thrown away, for a bounded time (nginx calls it lingering close).
"""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LINGER_S = 30.0
"""Longest time for which an unwanted body is taken in."""


class Linger:
    """Outermost but for observation; holds back only the end of early answers."""

    def __init__(self, app: ASGIApp, limit_s: float = LINGER_S) -> None:
        self._app = app
        self._limit_s = limit_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; see to bodies that nobody read."""
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        body = _Body(receive)

        async def patient(message: Message) -> None:
            ends = message["type"] == "http.response.body" and not message.get("more_body")
            if ends and not body.read:
                await send({**message, "more_body": True})
                await body.discard(self._limit_s)
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        await self._app(scope, body.receive, patient)


class _Body:
    """What is known of a request's body."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.read = False
        """Whether its end, or the client's, was seen."""

    async def receive(self) -> Message:
        """The next message, noting the end."""
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            self.read = True
        return message

    async def discard(self, limit_s: float) -> None:
        """Take in the rest and forget it."""
        try:
            async with asyncio.timeout(limit_s):
                while not self.read:
                    await self.receive()
        except TimeoutError:
            self.read = True


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )
