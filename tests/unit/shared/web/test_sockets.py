"""The native socket, driven by ASGI messages."""

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message
from starlette.websockets import WebSocket

from shared.clock import SystemClock
from shared.errors import NotFound
from shared.protocol.asr import ASR_CLIENT, AsrClientMessage, Flush, SpeechStart
from shared.web.faults import Disconnected
from shared.web.liveness import Liveness
from shared.web.sockets import Socket
from tests.unit.shared.web.asgi import metrics, websocket


class Peer:
    """The other end."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.incoming.put_nowait({"type": "websocket.connect"})

    async def send(self, message: Message) -> None:
        await self.reads.wait()
        self.sent.put_nowait(message)

    def says(self, text: str) -> None:
        self.incoming.put_nowait({"type": "websocket.receive", "text": text})

    def sounds(self, audio: bytes) -> None:
        self.incoming.put_nowait({"type": "websocket.receive", "bytes": audio})

    def leaves(self) -> None:
        self.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})

    async def hears(self) -> dict[str, Any]:
        async with asyncio.timeout(5):
            message = await self.sent.get()
        return dict(json.loads(message["text"])) if message.get("text") else dict(message)


@pytest.fixture
async def peer() -> Peer:
    return Peer()


@pytest.fixture
async def socket(peer: Peer) -> Socket[AsrClientMessage]:
    accepted = WebSocket(websocket(), peer.incoming.get, peer.send)
    await accepted.accept()
    await peer.sent.get()
    return Socket(
        accepted,
        ASR_CLIENT,
        clock=SystemClock(),
        metrics=metrics(),
        liveness=Liveness(ping_interval_s=0.02, peer_timeout_s=0.2),
    )


Ours = Socket[AsrClientMessage]


async def test_audio_and_messages_come_in_order(peer: Peer, socket: Ours) -> None:
    peer.sounds(b"\1\2")
    peer.says('{"type":"flush"}')
    assert await socket.receive() == b"\1\2"
    assert await socket.receive() == Flush()


async def test_an_empty_frame_is_audio_of_no_length(peer: Peer, socket: Ours) -> None:
    peer.sounds(b"")
    assert await socket.receive() == b""


async def test_what_is_malformed_is_answered_and_the_next_is_read(peer: Peer, socket: Ours) -> None:
    peer.says("{")
    peer.says('{"type":"nonsense"}')
    peer.says('{"type":"flush"}')
    assert await socket.receive() == Flush()
    assert (await peer.hears())["code"] == "invalid_request"
    assert "nonsense" in (await peer.hears())["message"]


async def test_a_ping_is_answered_with_its_time_and_a_pong_is_swallowed(
    peer: Peer, socket: Ours
) -> None:
    peer.says('{"type":"ping","t":7}')
    peer.says('{"type":"pong","t":7}')
    peer.says('{"type":"flush"}')
    await socket.receive()
    assert await peer.hears() == {"type": "pong", "t": 7.0}
    assert peer.sent.empty()


async def test_leaving_ends_the_connection(peer: Peer, socket: Ours) -> None:
    peer.leaves()
    with pytest.raises(Disconnected):
        await socket.receive()


async def test_nobody_comes_between_a_message_and_its_audio(peer: Peer, socket: Ours) -> None:
    peer.reads.clear()
    announced = asyncio.create_task(socket.send(SpeechStart(timestamp=1), b"audio"))
    await asyncio.sleep(0)
    other = asyncio.create_task(socket.send(SpeechStart(timestamp=2)))
    await asyncio.sleep(0)
    peer.reads.set()
    await asyncio.gather(announced, other)
    kinds = [await peer.hears() for _ in range(3)]
    assert [kind.get("timestamp", kind.get("bytes")) for kind in kinds] == [1.0, b"audio", 2.0]


async def test_errors_leave_the_connection_open(peer: Peer, socket: Ours) -> None:
    await socket.fail(NotFound("gone"), "r1")
    message = await peer.hears()
    assert (message["code"], message["request_id"]) == ("not_found", "r1")


async def listening(socket: Ours) -> None:
    while True:
        await socket.receive()


async def test_a_silent_peer_is_asked_and_let_go_when_it_does_not_answer(
    peer: Peer, socket: Ours
) -> None:
    with pytest.raises(Disconnected):
        async with asyncio.timeout(5):
            await socket.run(listening(socket))
    assert (await peer.hears())["type"] == "ping"


async def test_a_peer_that_answers_pings_stays(peer: Peer, socket: Ours) -> None:
    async with asyncio.TaskGroup() as group:
        connection = group.create_task(socket.run(listening(socket)))
        for _ in range(20):
            assert (await peer.hears())["type"] == "ping"
            peer.says('{"type":"pong"}')
        assert not connection.done()
        connection.cancel()


async def test_a_peer_that_does_not_read_is_let_go(peer: Peer, socket: Ours) -> None:
    async def talking() -> None:
        while True:
            await socket.send(SpeechStart(timestamp=0))

    peer.reads.clear()
    with pytest.raises(Disconnected):
        async with asyncio.timeout(5):
            await socket.run(listening(socket), talking())


def patient(accepted: WebSocket) -> Ours:
    """A socket that would wait for a minute."""
    liveness = Liveness(ping_interval_s=30, peer_timeout_s=60)
    return Socket(accepted, ASR_CLIENT, clock=SystemClock(), metrics=metrics(), liveness=liveness)


async def stuck_send(socket: Ours) -> None:
    """Work that says something before it listens."""
    while True:
        await socket.send(SpeechStart(timestamp=0))
        await socket.receive()


@pytest.fixture
async def accepted(peer: Peer) -> WebSocket:
    websocket_ = WebSocket(websocket(), peer.incoming.get, peer.send)
    await websocket_.accept()
    await peer.sent.get()
    return websocket_


async def test_a_peer_that_leaves_is_missed_although_a_send_to_it_is_stuck(
    peer: Peer, accepted: WebSocket
) -> None:
    peer.reads.clear()
    for _ in range(30):
        peer.sounds(b"sound")
    peer.leaves()
    socket = patient(accepted)
    with pytest.raises(Disconnected):
        async with asyncio.timeout(5):
            await socket.run(stuck_send(socket))


async def test_what_was_read_ahead_comes_in_order(peer: Peer, accepted: WebSocket) -> None:
    socket = patient(accepted)
    heard: list[bytes] = []

    async def work() -> None:
        await socket.send(SpeechStart(timestamp=0))
        while len(heard) < 12:
            frame = await socket.receive()
            assert isinstance(frame, bytes)
            heard.append(frame)

    peer.reads.clear()
    for number in range(10):
        peer.sounds(bytes([number]))
    running = asyncio.create_task(socket.run(work()))
    async with asyncio.timeout(5):
        while not peer.incoming.empty():
            await asyncio.sleep(0.01)
        assert heard == []
        peer.reads.set()
        peer.sounds(bytes([10]))
        peer.sounds(bytes([11]))
        await running
    assert heard == [bytes([number]) for number in range(12)]


async def test_who_sends_without_end_and_reads_nothing_is_let_go(
    peer: Peer, accepted: WebSocket
) -> None:
    peer.reads.clear()
    for _ in range(20):
        peer.sounds(bytes(1024 * 1024))
    socket = patient(accepted)
    with pytest.raises(Disconnected):
        async with asyncio.timeout(5):
            await socket.run(stuck_send(socket))


async def test_the_first_to_end_ends_the_connection_with_its_error(
    peer: Peer, socket: Ours
) -> None:
    async def failing() -> None:
        raise NotFound("inside")

    with pytest.raises(NotFound):
        await socket.run(listening(socket), failing())
    assert len(asyncio.all_tasks()) == 1
