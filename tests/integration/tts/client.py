"""A bare client of the native protocol: what it sends and gets is all there is."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from tests.running.service import ServiceProcess

LONGEST_WAIT_S = 20.0
Json = dict[str, Any]


class Client:
    """One connection."""

    def __init__(self, socket: ClientConnection, ready: Json) -> None:
        self.socket = socket
        self.ready = ready

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def frame(self) -> Json | bytes:
        """The next frame; pings are answered."""
        while True:
            async with asyncio.timeout(LONGEST_WAIT_S):
                data = await self.socket.recv()
            if isinstance(data, bytes):
                return data
            message: Json = json.loads(data)
            if message["type"] != "ping":
                return message
            await self.send(type="pong", t=message["t"])

    async def message(self) -> Json:
        frame = await self.frame()
        assert isinstance(frame, dict), f"{len(frame)} bytes of audio where a message was due"
        return frame

    async def until(self, *kinds: str) -> tuple[list[tuple[Json, bytes]], Json]:
        """All chunks with their audio, and the message of one of these types that ends them."""
        chunks: list[tuple[Json, bytes]] = []
        while True:
            message = await self.message()
            if message["type"] in kinds:
                return chunks, message
            assert message["type"] == "audio_chunk", message
            audio = await self.frame()
            assert isinstance(audio, bytes)
            chunks.append((message, audio))


@asynccontextmanager
async def client(service: ServiceProcess, **options: Any) -> AsyncIterator[Client]:
    """A connection that has seen `ready`."""
    async with connect(service.ws, max_size=None, **options) as socket:
        yield Client(socket, json.loads(await socket.recv()))


def joined(chunks: list[tuple[Json, bytes]], dtype: str = "<f4") -> np.ndarray[Any, Any]:
    return np.concatenate([np.frombuffer(audio, dtype) for _, audio in chunks])
