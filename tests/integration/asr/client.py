"""A client of ``/ws`` that sends audio and collects what it is told."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from shared.audio.pcm import Encoding, Samples, encode
from shared.protocol.asr import ASR_SERVER

Event = dict[str, Any]


class Client:
    """One open connection. Every message it gets must be one of the protocol's."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.heard: list[Event] = []

    async def send(self, **message: Any) -> None:
        """Send a JSON message."""
        await self.socket.send(json.dumps(message))

    async def say(self, samples: Samples, encoding: Encoding = Encoding.S16LE) -> None:
        """Send audio in frames of 100 ms, as fast as it is taken."""
        for at in range(0, len(samples), 1600):
            await self.socket.send(encode(samples[at : at + 1600], encoding))

    async def silence(self, seconds: float) -> None:
        """Send real silence."""
        await self.say(np.zeros(int(seconds * 16_000), np.float32))

    async def next(self, *types: str, within_s: float = 20.0) -> Event:
        """The next message of one of these types; pings are answered on the way."""
        async with asyncio.timeout(within_s):
            while True:
                event = await self._take(await self.socket.recv())
                if event is not None and (not types or event["type"] in types):
                    return event

    async def finish(self, within_s: float = 40.0) -> list[Event]:
        """End the stream; all that is said until the service closes it."""
        await self.send(type="end")
        async with asyncio.timeout(within_s):
            async for text in self.socket:
                await self._take(text)
        return self.heard

    async def _take(self, text: str | bytes) -> Event | None:
        ASR_SERVER.validate_json(text)
        event: Event = json.loads(text)
        if event["type"] != "ping":
            self.heard.append(event)
            return event
        with contextlib.suppress(ConnectionClosed):  # what it said before is still to be read
            await self.send(type="pong", t=event["t"])
        return None

    def finals(self) -> list[Event]:
        """The finals so far."""
        return [event for event in self.heard if event["type"] == "final"]


@asynccontextmanager
async def client(address: str, **config: Any) -> AsyncIterator[Client]:
    """Connect, wait for ``ready`` and configure."""
    async with connect(f"{address}/ws", max_size=None, proxy=None) as socket:
        opened = Client(socket)
        await opened.next("ready")
        if config:
            await opened.send(type="config", **config)
        yield opened


def check_order(events: list[Event]) -> None:
    """The order of PROTOCOLS: nothing of a segment before the final of the one before.

    In a segment: speech_start, (partial | speech_end | candidate | speech_start)*,
    turn_end, final.
    """
    segments: dict[int, list[str]] = {}
    order = []
    for event in events:
        segment = event.get("segment")
        if segment is None:
            continue
        if segment not in segments:
            order.append(segment)
            segments[segment] = []
        assert segment == order[-1], f"segment {segment} speaks after {order[-1]} began"
        segments[segment].append(event["type"])
    assert order == sorted(order)
    for types in segments.values():
        assert types[0] == "speech_start"
        assert types[-2:] == ["turn_end", "final"]
        middle = {"partial", "speech_end", "candidate", "speech_start"}
        assert set(types[1:-2]) <= middle
