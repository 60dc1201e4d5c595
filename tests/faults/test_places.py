"""Thirty conversations: full, refused, and free again however their holders leave."""

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.doubles import leaving_clients
from tests.doubles.asr_service import ScriptedAsr
from tests.doubles.tts_service import ScriptedTts
from tests.integration.orchestrator.client import TONE, House, door
from tests.running.holder import holder
from tests.running.service import ServiceProcess

PLACES = 30
LIVING = 6
"""Of the thirty, held by a process that answers pings until it is frozen."""
LONG = "A very long story. " * 500
MOST_MEMORY = 64 * 1024 * 1024


@pytest.fixture
async def asr() -> AsyncIterator[ScriptedAsr]:
    async with ScriptedAsr().running() as neighbour:
        yield neighbour


@pytest.fixture
async def tts() -> AsyncIterator[ScriptedTts]:
    async with ScriptedTts(seconds_per_char=0.03).running() as neighbour:
        yield neighbour


@pytest.fixture
async def service(asr: ScriptedAsr, tts: ScriptedTts) -> AsyncIterator[ServiceProcess]:
    """A process that loses patience with dead peers within five seconds instead of forty."""
    patience = {"PING_INTERVAL_S": "0.5", "PEER_TIMEOUT_S": "5"}
    with ServiceProcess("orchestrator", ASR_URL=asr.url, TTS_URL=tts.url, **patience) as running:
        yield running


class Peer:
    """A client that answers pings until it falls silent."""

    def __init__(self, line: ClientConnection) -> None:
        self.line = line
        self._answered = asyncio.Event()
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for frame in self.line:
            event = json.loads(frame) if isinstance(frame, str) else {"type": "audio"}
            if event["type"] == "ping":
                with contextlib.suppress(ConnectionClosed):  # the test closed it meanwhile
                    await self.line.send(json.dumps({"type": "pong", "t": event["t"]}))
            elif event["type"] == "reply.done":
                assert event["text"] == "This is what I heard: hello"
                self._answered.set()

    async def converses(self) -> None:
        """One turn, and goodbye."""
        await self.line.send('{"type": "text", "text": "hello"}')
        async with asyncio.timeout(30):
            await self._answered.wait()
        await self.line.close()
        await self._listening

    async def falls_silent(self) -> ClientConnection:
        """From here on nobody reads the line."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        return self.line


async def leaves_in_mid_reply(peer: ClientConnection) -> None:
    await peer.send(json.dumps({"type": "text", "text": LONG}))
    while isinstance(frame := await peer.recv(), str):
        if (event := json.loads(frame))["type"] == "ping":
            await peer.send(json.dumps({"type": "pong", "t": event["t"]}))
    peer.transport.abort()


WAYS = (*leaving_clients.WAYS, leaves_in_mid_reply)


async def opened(house: House, count: int) -> list[Peer]:
    peers = []
    for _ in range(count):
        session = await house.session()
        line = await connect(session["ws_url"], ping_interval=None, proxy=None)
        assert json.loads(await line.recv())["type"] == "session"
        peers.append(Peer(line))
    return peers


async def until_nothing_is_held(
    service: ServiceProcess, asr: ScriptedAsr, tts: ScriptedTts
) -> None:
    """No place here, and no line to the neighbours."""
    await service.until_places_taken(0)
    lines = [*(ears.line for ears in asr.ears), *(voice.line for voice in tts.voices)]
    async with asyncio.timeout(20):
        await asyncio.gather(*(line.wait_closed() for line in lines))


async def until_files(service: ServiceProcess, most: int) -> None:
    async with asyncio.timeout(20):
        while service.open_files() > most:
            await asyncio.sleep(0.02)


async def test_thirty_fit_and_fit_again_after_leaving_in_eight_ways(
    service: ServiceProcess, asr: ScriptedAsr, tts: ScriptedTts
) -> None:
    async with door(service.url) as house:
        files, memory = await filled(house, service, asr, tts), service.memory()
        sessions = [await house.session() for _ in range(LIVING)]
        async with holder([session["ws_url"] for session in sessions]) as process:
            peers = await opened(house, PLACES - LIVING)
            await check_refused(house)
            for number, peer in enumerate(peers):
                await WAYS[number % len(WAYS)](await peer.falls_silent())
            await service.until_places_taken(LIVING)  # it outlives those that say nothing
            process.send_signal(signal.SIGSTOP)
            await until_nothing_is_held(service, asr, tts)
            for peer in peers:
                peer.line.transport.abort()
        async with holder([session["ws_url"] for session in sessions]) as process:
            process.kill()
            await until_nothing_is_held(service, asr, tts)
        await filled(house, service, asr, tts)
    await until_files(service, files)
    assert service.memory() - memory < MOST_MEMORY


async def filled(house: House, service: ServiceProcess, asr: ScriptedAsr, tts: ScriptedTts) -> int:
    """Thirty converse at once; the files that are open when they have left."""
    peers = await opened(house, PLACES)
    assert await service.places_taken() == PLACES
    await asyncio.gather(*(peer.converses() for peer in peers))
    await until_nothing_is_held(service, asr, tts)
    return service.open_files()


async def converse(house: House) -> None:
    [peer] = await opened(house, 1)
    await peer.converses()


async def check_refused(house: House) -> None:
    session = await house.session()
    with pytest.raises(InvalidStatus) as refused:
        await connect(session["ws_url"], proxy=None)
    assert refused.value.response.status_code == 503
    assert int(refused.value.response.headers["Retry-After"]) >= 1
    assert (await house.http.get("/live")).is_success


async def test_who_stops_reading_a_long_reply_is_let_go_though_it_speaks_on(
    service: ServiceProcess, asr: ScriptedAsr, tts: ScriptedTts
) -> None:
    async with door(service.url) as house:
        await converse(house)
        await until_nothing_is_held(service, asr, tts)
        files, memory = service.open_files(), service.memory()
        session = await house.session()
        deaf = await deaf_peer(session["ws_url"])
        await deaf.send(json.dumps({"type": "text", "text": LONG}))
        speaking = asyncio.create_task(speaks_on(deaf))
        await converse(house)
        await until_nothing_is_held(service, asr, tts)
        deaf.transport.abort()
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
    await until_files(service, files)
    assert service.memory() - memory < MOST_MEMORY


async def deaf_peer(address: str) -> ClientConnection:
    """A client whose receive window closes soon, because it reads nothing."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    where = urlsplit(address)
    raw.connect((where.hostname, where.port))
    return await connect(
        address, sock=raw, compression=None, max_queue=1, ping_interval=None, proxy=None
    )


async def speaks_on(deaf: ClientConnection) -> None:
    """The microphone is open, and all that was sent counts as played, so that more is sent."""
    played = json.dumps({"type": "playback", "turn_id": "turn_1", "played_ms": 1e9})
    with contextlib.suppress(ConnectionClosed):
        while True:
            await deaf.send(bytes(len(TONE)))
            await deaf.send(played)
            await asyncio.sleep(0.01)
