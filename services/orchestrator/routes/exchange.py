"""The same conversation over plain HTTP, for clients whose sockets are blocked."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from services.orchestrator.routes.attachments import Attachments
from services.orchestrator.sessions.base import Session, SessionStore
from services.orchestrator.transports.outbox import Outbox
from services.orchestrator.transports.silent_line import SilentLine
from services.orchestrator.transports.websocket import Attachment, Begin, Incoming
from shared.errors import InvalidRequest, ParleyError, TooLarge
from shared.logs import correlated
from shared.protocol.base import parse
from shared.protocol.conversation import CONVERSATION_CLIENT, EventError
from shared.web.openapi import Operation
from shared.web.places import Places

_LONGEST_MESSAGE = 64 * 1024
_KEEP_ALIVE_S = 15.0

OPERATIONS = (
    Operation(
        "POST",
        "/v2/sessions/{session_id}/messages",
        "Say to a session what a socket would say",
        body={"application/json": {"type": "object", "required": ["type"]}},
        status=202,
        errors=(400, 401, 404, 413, 503),
    ),
    Operation(
        "GET",
        "/v2/sessions/{session_id}/events",
        "Replay a session's events after `after` and follow them",
        answers={"text/event-stream": {"type": "string"}},
        errors=(400, 401, 404),
    ),
)


class Exchange:
    """Messages in by POST, events out by SSE.

    A message goes to whoever holds the session, on any replica. When nobody does, this
    replica holds it, without a socket, until the client has been silent for a while.
    """

    def __init__(
        self, store: SessionStore, attachments: Attachments, places: Places, begin: Begin
    ) -> None:
        self._store = store
        self._attachments = attachments
        self._places = places
        self._begin = begin
        self._holding: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Ends, when it is left, what it holds."""
        try:
            yield
        finally:
            for task in self._holding:
                task.cancel()
            await asyncio.gather(*self._holding, return_exceptions=True)

    def routes(self) -> list[BaseRoute]:
        """For the service's router."""
        one = "/v2/sessions/{session_id}"
        return [
            Route(f"{one}/messages", self.post, methods=["POST"]),
            Route(f"{one}/events", self.events, methods=["GET"]),
        ]

    async def post(self, request: Request) -> Response:
        """Take one message."""
        body = await request.body()
        if len(body) > _LONGEST_MESSAGE:
            raise TooLarge(f"a message is at most {_LONGEST_MESSAGE} bytes")
        message = parse(CONVERSATION_CLIENT, body.decode(errors="replace"))
        session = await self._session(request)
        if not await self._attachments.said(session.session_id, message.wire()):
            await self._hold(session, message)
        return JSONResponse({"accepted": True}, 202)

    async def events(self, request: Request) -> Response:
        """Replay and follow."""
        wanted = request.query_params.get("after") or request.headers.get("last-event-id") or "0"
        if not wanted.isdecimal():
            raise InvalidRequest("`after` is the number of the last event seen", param="after")
        session = await self._session(request)
        stream = _server_sent(self._store.follow(session.session_id, int(wanted)))
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    async def _session(self, request: Request) -> Session:
        session_id = request.path_params["session_id"]
        return await self._store.get(session_id, request.state.owner)

    async def _hold(self, session: Session, message: Incoming) -> None:
        """Begin to hold the session; return when it is held."""
        held: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._converse(session, message, held))
        self._holding.add(task)
        task.add_done_callback(self._holding.discard)
        await held

    async def _converse(
        self, session: Session, message: Incoming, held: "asyncio.Future[None]"
    ) -> None:
        outbox = Outbox(session, self._store)
        try:
            with correlated(session_id=session.session_id):
                async with self._attachments.attach(session.session_id) as hold:
                    hold.inbox.put_nowait(message)
                    held.set_result(None)
                    line = SilentLine()
                    await Attachment(
                        line, outbox, self._store, self._begin, self._places, hold, silent=True
                    ).run()
        except ParleyError as error:
            if held.done():
                outbox.tell(EventError.of(error))
                await outbox.close()
            else:
                held.set_exception(error)


async def _server_sent(events: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    """Events as SSE, each under its number; a comment now and then keeps the line open."""
    async with contextlib.aclosing(events):
        upcoming = asyncio.ensure_future(anext(events, None))
        try:
            while True:
                done, _ = await asyncio.wait({upcoming}, timeout=_KEEP_ALIVE_S)
                if not done:
                    yield ": still here\n\n"
                elif (event := upcoming.result()) is None:
                    return
                else:
                    yield f"data: {event}\n\n"
                    upcoming = asyncio.ensure_future(anext(events, None))
        finally:
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)
