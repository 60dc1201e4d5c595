"""A user of the project's own conversation client, who remembers what came."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from shared.audio.pcm import Encoding, Samples, encode
from shared.clients.connection import Endpoint
from shared.clients.conversation import ConversationClient
from shared.protocol import conversation as wire

PATIENCE_S = 30.0
"""Longest wait for an event: a busy machine must not decide."""
_FRAME = 640
"""Bytes of 20 ms."""
Event = dict[str, Any]


class Caller:
    """Waits for events one after the other: what was passed over is not waited for again."""

    def __init__(self, client: ConversationClient) -> None:
        self._client = client
        self._news = asyncio.Condition()
        self._passed = 0
        self.events: list[Event] = []
        self.audio = 0
        """Bytes of speech that came."""
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        try:
            async for received in self._client:
                if isinstance(received, bytes):
                    await self._plays(received)
                    continue
                async with self._news:
                    self.events.append(received.model_dump(exclude_none=True))
                    self._news.notify_all()
        finally:
            async with self._news:
                self._news.notify_all()

    async def _plays(self, pcm: bytes) -> None:
        """At once: a test need not wait for a loudspeaker."""
        self.audio += len(pcm)
        turn_id = next(e["turn_id"] for e in reversed(self.events) if e["type"] == "audio.start")
        await self._client.tell(wire.Playback(turn_id=turn_id, played_ms=self.audio / 48))

    async def until(self, *kinds: str, **fields: object) -> Event:
        """The next event of one of these types that has these fields."""
        async with asyncio.timeout(PATIENCE_S), self._news:
            while True:
                while self._passed < len(self.events):
                    event = self.events[self._passed]
                    self._passed += 1
                    if event["type"] in kinds and fields.items() <= event.items():
                        return event
                if self._listening.done():
                    self._listening.result()
                    raise AssertionError("the service said goodbye")
                await self._news.wait()

    async def speaks(self, samples: Samples) -> None:
        """Into the microphone, faster than a mouth can."""
        pcm = encode(samples, Encoding.S16LE)
        for start in range(0, len(pcm), _FRAME):
            await self._client.send(pcm[start : start + _FRAME])

    async def pauses(self, seconds: float = 1.5) -> None:
        """Silence that ends a turn."""
        await self.speaks(np.zeros(int(seconds * 16_000), np.float32))

    async def types(self, text: str) -> None:
        """A turn without a microphone."""
        await self._client.tell(wire.Text(text=text))

    def kinds(self) -> list[str]:
        """Types of the events so far but for `ack`, states by their value."""
        told = [event for event in self.events if event["type"] != "ack"]
        return [e["value"] if e["type"] == "state" else e["type"] for e in told]

    async def leaves(self) -> None:
        """Hear nothing more."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)


@asynccontextmanager
async def calling(url: str) -> AsyncIterator[Caller]:
    """A new session; it is erased in the end."""
    options = wire.CreateSession(fillers=False)
    async with ConversationClient(Endpoint(url), options, patience_s=PATIENCE_S) as client:
        caller = Caller(client)
        try:
            await caller.until("session")
            yield caller
        finally:
            await caller.leaves()
