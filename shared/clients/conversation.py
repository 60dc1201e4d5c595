"""A conversation through the orchestrator: one session, on as many lines as it takes."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Self

import httpx

from shared.clients import faults
from shared.clients.connection import Connection, Endpoint, keep_trying
from shared.clock import Clock, SystemClock
from shared.errors import ParleyError, UpstreamFailed
from shared.protocol import conversation as wire
from shared.resilience import backoff

Tellable = wire.Config | wire.Text | wire.Interrupt | wire.ToolResult | wire.Playback | wire.Silence


class ConversationClient:
    """Makes a session, then sends the microphone and gives events and speech.

    Use as a context manager and iterate once. When the line is lost the session is
    resumed: events that were missed come in order and once, control messages that were
    not acknowledged are sent again. The microphone's sound meanwhile is lost, as it would
    be too late. Leaving erases the session.

    Args:
        endpoint: the orchestrator.
        options: of the session.
        patience_s: how long a lost line is tried for.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        options: wire.CreateSession | None = None,
        *,
        patience_s: float = 20.0,
        clock: Clock | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._options = options or wire.CreateSession()
        self._patience_s = patience_s
        self._clock = clock or SystemClock()
        self._http = httpx.AsyncClient(
            headers=endpoint.headers, timeout=endpoint.open_timeout_s, trust_env=False
        )
        self._created: wire.SessionCreated | None = None
        self._connection: Connection[wire.ConversationServerMessage] | None = None
        self._ids = itertools.count(1)
        self._unacknowledged: dict[str, Tellable] = {}
        self._seen_seq = 0

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as refused:
            refused.push_async_callback(self._http.aclose)
            self._created = await self._create()
            self._connection = await self._dial()
            refused.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            if self._connection is not None:
                await self._connection.close()
            await self._erase()
        finally:
            await self._http.aclose()

    @property
    def session(self) -> wire.SessionCreated:
        """Its id and its resume token."""
        if self._created is None:
            raise RuntimeError("the client is not connected")
        return self._created

    async def send(self, audio: bytes) -> None:
        """Send microphone PCM; thrown away while the line is being mended."""
        if self._connection is None:
            return
        try:
            await self._connection.send(audio)
        except ParleyError:
            return  # the iterator learns of it too, and mends the line

    async def tell(self, message: Tellable) -> None:
        """Send a control message; again after a loss, until it is acknowledged."""
        name = message.id or f"c{next(self._ids)}"
        message = message.model_copy(update={"id": name})
        self._unacknowledged[name] = message
        if self._connection is not None:
            await self._say(self._connection, message)

    async def bye(self) -> None:
        """Say that no more comes; the iterator ends when the server has closed."""
        if self._connection is not None:
            await self._say(self._connection, wire.Bye())

    async def __aiter__(self) -> AsyncIterator[wire.ConversationServerMessage | bytes]:
        """Events, and between ``audio.start`` and ``audio.end`` binary speech PCM.

        Raises:
            ParleyError: the session is gone, or the service stays away too long.
        """
        pauses = backoff()
        lost_at: float | None = None
        while True:
            try:
                async for received in self._received():
                    if isinstance(received, wire.SessionEvent):
                        pauses, lost_at = backoff(), None
                    yield received
            except ParleyError as error:
                self._connection, now = None, self._clock.now()
                again, lost_at = lost_at is not None, now if lost_at is None else lost_at
                if not error.retryable or now - lost_at > self._patience_s:
                    raise
                if again:  # the line was opened, and lost before the service said `session`
                    await asyncio.sleep(max(next(pauses), error.retry_after_s or 0.0))
            else:
                return
            self._connection = await keep_trying(
                self._resume, patience_s=self._patience_s, clock=self._clock
            )

    async def _received(self) -> AsyncIterator[wire.ConversationServerMessage | bytes]:
        if self._connection is None:
            raise UpstreamFailed("the connection was cut")
        async for received in self._connection:
            if not isinstance(received, bytes):
                seq = getattr(received, "seq", None)
                if seq is not None:
                    self._seen_seq = max(self._seen_seq, seq)
                if isinstance(received, wire.Ack):
                    self._unacknowledged.pop(received.id, None)
            yield received

    async def _resume(self) -> Connection[wire.ConversationServerMessage]:
        connection = await self._dial()
        await connection.send(wire.Resume(token=self.session.resume_token, last_seq=self._seen_seq))
        for message in self._unacknowledged.values():
            await connection.send(message)
        return connection

    async def _dial(self) -> Connection[wire.ConversationServerMessage]:
        path = f"/ws/v2/{self.session.session_id}"
        return await Connection.open(self._endpoint, path, wire.CONVERSATION_SERVER)

    async def _create(self) -> wire.SessionCreated:
        body = self._options.model_dump_json(exclude_none=True)
        response = await self._call("POST", "/v2/sessions", body)
        return wire.SessionCreated.model_validate_json(response.content)

    async def _erase(self) -> None:
        try:
            await self._call("DELETE", f"/v2/sessions/{self.session.session_id}")
        except ParleyError:
            return  # it is gone, or its service is: it expires by itself

    async def _call(self, method: str, path: str, body: str | None = None) -> httpx.Response:
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            response = await self._http.request(
                method, self._endpoint.http(path), content=body, headers=headers
            )
        except httpx.HTTPError as error:
            raise self._endpoint.silent() from error
        if response.is_error:
            raise faults.of_http(response)
        return response

    async def _say(
        self, connection: Connection[wire.ConversationServerMessage], message: Tellable | wire.Bye
    ) -> None:
        try:
            await connection.send(message)
        except ParleyError:
            return  # said again once the line is mended
