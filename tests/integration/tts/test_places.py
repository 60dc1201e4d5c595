"""Thirty places: full, refused, and free again however their holders leave."""

import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.doubles import leaving_clients
from tests.integration.tts.client import LONGEST_WAIT_S, client
from tests.running.service import ServiceProcess

PLACES = 30
SPEECH = {"input": "word and word, " * 1000, "voice": "alloy", "response_format": "wav"}

LIVING = """
import asyncio, json, sys
from websockets.asyncio.client import connect
async def main():
    async with connect(sys.argv[1]) as socket:
        async for text in socket:
            message = json.loads(text)
            print(message["type"], flush=True)
            if message["type"] == "ping":
                await socket.send(json.dumps({"type": "pong", "t": message["t"]}))
asyncio.run(main())
"""
"""A client in a process of its own that answers pings, as long as it can."""


class Peers:
    """Connections that are opened together and leave in a given way."""

    def __init__(self, service: ServiceProcess) -> None:
        self._service = service

    async def open(self, count: int) -> list[ClientConnection]:
        return [await self._one() for _ in range(count)]

    async def _one(self) -> ClientConnection:
        peer = await connect(self._service.ws, ping_interval=None)
        assert json.loads(await peer.recv())["type"] == "ready"
        return peer


async def leaves_in_mid_sentence(peer: ClientConnection) -> None:
    await peer.send(json.dumps({"type": "synthesize", "text": "word and word, " * 1000}))
    await peer.recv()
    peer.transport.abort()


WAYS = (*leaving_clients.WAYS, leaves_in_mid_sentence)


async def test_thirty_fit_and_fit_again_after_leaving_in_six_ways(quick: ServiceProcess) -> None:
    peers = Peers(quick)
    await quick.until_places_taken(0)
    files = quick.open_files()
    opened = await peers.open(PLACES)
    with pytest.raises(InvalidStatus) as refused:
        await connect(quick.ws)
    assert refused.value.response.status_code == 503
    assert "retry-after" in refused.value.response.headers
    async with httpx.AsyncClient(headers={"connection": "close"}) as http:
        answer = await http.post(f"{quick.url}/v1/audio/speech", json=SPEECH)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "at_capacity")
        assert (await http.get(f"{quick.url}/v1/models")).status_code == 200
    for number, peer in enumerate(opened):
        await WAYS[number % len(WAYS)](peer)
    await quick.until_places_taken(0)
    again = await peers.open(PLACES)
    await quick.until_places_taken(PLACES)
    await asyncio.gather(*(peer.close() for peer in again))
    await quick.until_places_taken(0)
    for peer in opened:
        peer.transport.abort()
    async with asyncio.timeout(LONGEST_WAIT_S):
        while quick.open_files() > files:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
async def test_a_frozen_or_killed_client_process_frees_its_place(
    quick: ServiceProcess, number: signal.Signals
) -> None:
    await quick.until_places_taken(0)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LIVING, quick.ws, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        said = [await process.stdout.readline() for _ in range(5)]
        assert said == [b"ready\n", *[b"ping\n"] * 4]  # it lives longer than the peer timeout
        assert await quick.places_taken() == 1
        process.send_signal(number)
        await quick.until_places_taken(0)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def sent_seconds(service: ServiceProcess) -> float:
    """Audio that left the service so far."""
    async with httpx.AsyncClient(headers={"connection": "close"}) as http:
        text = (await http.get(f"{service.url}/metrics")).text
    name = "parley_tts_audio_seconds_total "
    line = next(line for line in text.splitlines() if line.startswith(name))
    return float(line.rsplit(" ", 1)[1])


async def test_who_talks_without_reading_and_leaves_frees_its_place_at_once(
    tts: ServiceProcess,
) -> None:
    """This service waits 40 s for a silent peer; one that has left is missed at once."""
    peer = await connect(tts.ws, max_queue=1, ping_interval=None, close_timeout=0.1)
    for number in range(8):
        await peer.send(
            json.dumps({"type": "synthesize", "request_id": str(number), "text": "word " * 400})
        )
    before = -1.0
    while before != (now := await sent_seconds(tts)):  # until the line is full
        before = now
        await asyncio.sleep(0.3)
    for _ in range(60):
        await peer.send('{"type": "list_voices"}')
    await peer.close()
    await tts.until_places_taken(0, within_s=10)


async def test_a_client_that_leaves_in_the_middle_of_a_download_frees_its_place(
    tts: ServiceProcess,
) -> None:
    await tts.until_places_taken(0)
    async with (
        httpx.AsyncClient() as http,
        http.stream("POST", f"{tts.url}/v1/audio/speech", json=SPEECH) as answer,
    ):
        assert answer.status_code == 200
        await anext(answer.aiter_bytes())
        assert await tts.places_taken() == 1
    await tts.until_places_taken(0)


async def test_a_reply_in_progress_is_finished_and_new_work_refused_on_sigterm() -> None:
    with ServiceProcess("tts", TTS_ENGINE="espeak") as service:
        async with AsyncExitStack() as stack:
            idle = await stack.enter_async_context(client(service))
            busy = await stack.enter_async_context(client(service))
            await busy.send(
                type="synthesize", request_id="r", text="Ten seconds or so, ", more=True
            )
            await busy.message()
            await busy.frame()
            service.signal(signal.SIGTERM)
            async with asyncio.timeout(LONGEST_WAIT_S):
                await idle.socket.wait_closed()
            assert idle.socket.close_code == 1012
            with pytest.raises(InvalidStatus) as refused:
                await connect(service.ws)
            assert refused.value.response.status_code == 503
            await busy.send(type="synthesize", request_id="new", text="No.")
            assert (await busy.message())["code"] == "draining"
            await busy.send(type="text", request_id="r", text="and the last words of it.")
            await busy.send(type="end", request_id="r")
            chunks, _ = await busy.until("synthesis_complete")
            assert chunks[-1][0]["words"][-1]["word"] == "it"
            async with asyncio.timeout(LONGEST_WAIT_S):
                await busy.socket.wait_closed()
            assert busy.socket.close_code == 1012
        assert await asyncio.to_thread(service.wait) == 0


async def test_a_client_that_leaves_in_the_middle_of_an_upload_leaves_nothing(
    tts: ServiceProcess,
) -> None:
    await tts.until_places_taken(0)
    head = (
        "POST /v1/audio/voices HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
        'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    )
    _, writer = await asyncio.open_connection("127.0.0.1", tts.port)
    own = writer.get_extra_info("sockname")[1]
    writer.write(head.encode() + bytes(3_000_000))
    await writer.drain()
    async with asyncio.timeout(LONGEST_WAIT_S):
        while own not in tts.peers():
            await asyncio.sleep(0.02)
        writer.close()
        while own in tts.peers():
            await asyncio.sleep(0.02)
    assert await tts.places_taken() == 0
