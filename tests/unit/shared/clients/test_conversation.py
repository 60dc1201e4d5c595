"""The conversation client against a small orchestrator that loses its lines."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from shared import errors
from shared.clients.connection import Endpoint
from shared.clients.conversation import ConversationClient
from shared.protocol import conversation as wire
from shared.protocol.base import ErrorMessage, Message, parse
from shared.web.faults import response
from tests.running.app import serving
from tests.running.process import free_port

Act = Callable[[WebSocket], Coroutine[Any, Any, None]]
SESSION = wire.SessionEvent(
    session_id="s1", pipeline="direct", durable=False, expires_at="2030-01-01T00:00:00Z", seq=1
)


@dataclass
class Stage:
    """What the small orchestrator was asked."""

    acts: list[Act]
    bodies: list[bytes] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    endpoint: Endpoint = field(default_factory=lambda: Endpoint("http://unset"))

    async def create(self, request: Request) -> Response:
        """Make a session."""
        self.bodies.append(await request.body())
        made = wire.SessionCreated(
            session_id="s1", resume_token="t", ws_url="ws://elsewhere/ws", expires_at="later"
        )
        return JSONResponse(made.model_dump(), 201)

    async def erase(self, request: Request) -> Response:
        """Forget it."""
        self.erased.append(request.path_params["session_id"])
        return Response(status_code=204)

    async def talk(self, websocket: WebSocket) -> None:
        """Play the next act."""
        await websocket.accept()
        await self.acts.pop(0)(websocket)


@asynccontextmanager
async def orchestrator(*acts: Act) -> AsyncIterator[Stage]:
    stage = Stage(list(acts))
    app = Starlette(
        routes=[
            Route("/v2/sessions", stage.create, methods=["POST"]),
            Route("/v2/sessions/{session_id}", stage.erase, methods=["DELETE"]),
            WebSocketRoute("/ws/v2/s1", stage.talk),
        ]
    )
    async with serving(app) as url:
        stage.endpoint = Endpoint(url, "orchestrator")
        yield stage


async def say(websocket: WebSocket, *messages: Message) -> None:
    for message in messages:
        await websocket.send_text(message.wire())


async def heard(websocket: WebSocket) -> wire.ConversationClientMessage:
    return parse(wire.CONVERSATION_CLIENT, await websocket.receive_text())


async def test_a_session_from_creation_to_erasure() -> None:
    async def act(websocket: WebSocket) -> None:
        await say(websocket, SESSION)
        assert await websocket.receive_bytes() == b"sound"
        await say(websocket, wire.AudioStart(turn_id="1", seq=2))
        await websocket.send_bytes(b"speech")
        assert isinstance(await heard(websocket), wire.Bye)
        await websocket.close()

    async with orchestrator(act) as stage:
        options = wire.CreateSession(voice_id="anna")
        async with ConversationClient(stage.endpoint, options) as client:
            assert client.session.session_id == "s1"
            await client.send(b"sound")
            received = []
            async for each in client:
                received.append(each)
                if isinstance(each, bytes):
                    await client.bye()
    assert received == [SESSION, wire.AudioStart(turn_id="1", seq=2), b"speech"]
    assert b'"voice_id":"anna"' in stage.bodies[0]
    assert stage.erased == ["s1"]


async def test_a_lost_line_is_resumed_after_what_was_seen() -> None:
    async def first(websocket: WebSocket) -> None:
        await say(websocket, SESSION, wire.StateEvent(value="listening", seq=5))
        message = await heard(websocket)
        assert message == wire.Text(text="done", id="c1")
        await say(websocket, wire.Ack(id="c1", seq=6))
        assert await heard(websocket) == wire.Text(text="lost", id="c2")
        await websocket.close(1012)

    async def second(websocket: WebSocket) -> None:
        assert await heard(websocket) == wire.Resume(token="t", last_seq=6)
        assert await heard(websocket) == wire.Text(text="lost", id="c2")
        await say(websocket, wire.Ack(id="c2", seq=7))
        await websocket.close()

    async with orchestrator(first, second) as stage, ConversationClient(stage.endpoint) as client:
        await client.tell(wire.Text(text="done"))
        await client.tell(wire.Text(text="lost"))
        received = [each async for each in client]
    assert [each.seq for each in received if isinstance(each, wire.Ack)] == [6, 7]


async def test_lines_that_are_lost_before_the_session_stands_are_not_tried_for_ever() -> None:
    async def first(websocket: WebSocket) -> None:
        await say(websocket, ErrorMessage.of(errors.UpstreamFailed("ASR is away")))
        await websocket.close(1011)

    async def again(websocket: WebSocket) -> None:
        assert isinstance(await heard(websocket), wire.Resume)
        await first(websocket)

    async with (
        orchestrator(first, *[again] * 8) as stage,
        ConversationClient(stage.endpoint, patience_s=0.0) as client,
    ):
        with pytest.raises(errors.UpstreamFailed, match="ASR is away"):
            [each async for each in client]
    assert len(stage.acts) == 9 - 2


async def test_a_session_that_is_gone_is_told() -> None:
    async def act(websocket: WebSocket) -> None:
        await say(websocket, ErrorMessage.of(errors.NotFound("the session has expired")))
        await websocket.close(1008)

    async with orchestrator(act) as stage, ConversationClient(stage.endpoint) as client:
        with pytest.raises(errors.NotFound, match="expired"):
            [each async for each in client]


async def test_a_refused_session_says_why() -> None:
    async def refuse(_: Request) -> Response:
        return response(errors.AtCapacity("all places are taken", retry_after_s=2))

    app = Starlette(routes=[Route("/v2/sessions", refuse, methods=["POST"])])
    async with serving(app) as url:
        with pytest.raises(errors.AtCapacity, match="all places"):
            await ConversationClient(Endpoint(url)).__aenter__()


async def test_nobody_there() -> None:
    client = ConversationClient(Endpoint(f"http://127.0.0.1:{free_port()}", "orchestrator"))
    with pytest.raises(errors.UpstreamFailed, match="orchestrator is not answering"):
        await client.__aenter__()
