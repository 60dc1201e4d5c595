"""The line beneath a WebSocket, with a real server and a real client."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import websockets
from hypercorn.protocol import h2, h11
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket

from shared.web.line import Line, install_lines
from tests.running.app import serving
from tests.unit.shared.web.asgi import websocket as scope_of


async def pings(websocket: WebSocket) -> None:
    """Ping once, and tell when the answer is there."""
    await websocket.accept()
    beneath = Line.of(websocket)
    assert beneath is not None
    answered = asyncio.Event()
    beneath.on_heard = answered.set
    await beneath.ping()
    await answered.wait()
    await websocket.send_text("heard")
    await websocket.close()
    await beneath.ping()  # too late, and no error
    await websocket.app.state.done.put("done")


@pytest.fixture
async def app() -> Starlette:
    app = Starlette(routes=[WebSocketRoute("/ws", pings)])
    app.state.done = asyncio.Queue()
    return app


@pytest.fixture
async def address(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    for protocol in (h11, h2):
        monkeypatch.setattr(protocol, "WSStream", protocol.WSStream)  # put back afterwards
    install_lines()
    async with serving(app) as url:
        yield url.replace("http", "ws")


async def test_a_client_answers_pings_without_knowing_of_them(app: Starlette, address: str) -> None:
    async with asyncio.timeout(20):
        async with websockets.connect(f"{address}/ws", proxy=None) as client:
            assert await client.recv() == "heard"
        assert await app.state.done.get() == "done"


async def test_what_comes_is_heard(app: Starlette, address: str) -> None:
    """Also from a client that cannot answer pings."""
    reader, writer = await asyncio.open_connection(*address.removeprefix("ws://").split(":"))
    writer.write(
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101")
        assert await reader.readexactly(2) == b"\x89\x00", "a ping"
        writer.write(b"\x81\x85\0\0\0\0" + b"hello")
        assert await reader.readexactly(7) == b"\x81\x05heard"
    writer.close()
    await writer.wait_closed()


def test_another_server_has_no_line() -> None:
    nowhere = asyncio.Queue[Message]()

    assert Line.of(WebSocket(scope_of(), nowhere.get, nowhere.put)) is None
