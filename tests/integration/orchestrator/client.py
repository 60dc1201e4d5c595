"""A client of the conversation service, and the service itself on a free port."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
from hypercorn.asyncio import serve
from hypercorn.config import Config
from websockets.asyncio.client import ClientConnection, connect

from services.orchestrator.app import build
from services.orchestrator.config import OrchestratorSettings
from shared.audio.pcm import Encoding, Samples, encode
from shared.web.server import listen
from shared.web.service import Service

FRAME_S = 0.02
TONE = (9000 * np.sin(2 * np.pi * 250 * np.arange(320) / 16_000)).astype("<i2").tobytes()
ZEROS = bytes(640)


@dataclass
class House:
    """The running service."""

    url: str
    http: httpx.AsyncClient
    service: Service | None = None
    """When it runs in this process."""

    async def session(self, **body: object) -> dict[str, Any]:
        """Make a session."""
        answer = await self.http.post("/v2/sessions", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    @asynccontextmanager
    async def talking(self, **body: object) -> AsyncIterator["Client"]:
        """A client in a new session."""
        session = await self.session(**body)
        async with self.attached(session) as client:
            yield client

    @asynccontextmanager
    async def attached(self, session: dict[str, Any]) -> AsyncIterator["Client"]:
        """A client in that session."""
        async with connect(session["ws_url"], compression=None, proxy=None) as line:
            yield Client(line, session)


@dataclass
class Client:
    """One socket; remembers what came."""

    line: ClientConnection
    session: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    audio: int = 0
    """Bytes of speech that came."""
    audio_after_clear: int = 0

    async def send(self, kind: str, **fields: object) -> None:
        """One message."""
        await self.line.send(json.dumps({"type": kind, **fields}))

    async def says(self, seconds: float = 0.5, silence: float = 0.3, *, pace: bool = False) -> None:
        """Speak, then be silent."""
        for tone, length in ((TONE, seconds), (ZEROS, silence)):
            for _ in range(round(length / FRAME_S)):
                await self.line.send(tone)
                if pace:
                    await asyncio.sleep(FRAME_S)

    async def plays(self, samples: Samples, *, pace: bool = False) -> None:
        """Speak a recording (float32 at 16 kHz), in frames of 20 ms."""
        pcm = encode(samples, Encoding.S16LE)
        for start in range(0, len(pcm), len(ZEROS)):
            await self.line.send(pcm[start : start + len(ZEROS)])
            if pace:
                await asyncio.sleep(FRAME_S)

    async def until(self, kind: str, within: float = 10.0, **fields: object) -> dict[str, Any]:
        """Read until such an event comes."""
        async with asyncio.timeout(within):
            while True:
                frame = await self.line.recv()
                if isinstance(frame, bytes):
                    self.audio += len(frame)
                    continue
                event = json.loads(frame)
                self.events.append(event)
                if event["type"] == "audio.clear":
                    self.audio = 0
                if event["type"] == kind and fields.items() <= event.items():
                    return dict(event)

    def kinds(self) -> list[str]:
        """Types of the events so far, states by their value."""
        return [e["value"] if e["type"] == "state" else e["type"] for e in self.events]


@asynccontextmanager
async def door(url: str, service: Service | None = None) -> AsyncIterator[House]:
    """A service that runs somewhere."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        yield House(url, http, service)


@asynccontextmanager
async def house(**settings: object) -> AsyncIterator[House]:
    """The service with these settings, on a free port of the loopback."""
    with listen("127.0.0.1", 0) as listener:
        listener.listen()  # clients may come before the server takes them
        address = "{}:{}".format(*listener.getsockname())
        config = Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.graceful_timeout = 0.5
        config.loglevel = "WARNING"
        stop = asyncio.Event()
        chosen = OrchestratorSettings.model_validate(settings)
        async with build(chosen) as service, asyncio.TaskGroup() as group:
            group.create_task(serve(service.app, config, shutdown_trigger=stop.wait))
            async with door(f"http://{address}", service) as opened:
                yield opened
            stop.set()
