"""Speakers in real time: ``python -m tests.bench.asr.speakers ADDRESS STREAMS SECONDS``.

A process of its own, so that the service's time is the service's. Each speaker sends
20 ms frames when they are due and notes how long after a sample was sent the message
came that tells of it. Writes one JSON object.
"""

import asyncio
import json
import random
import sys
from collections import defaultdict
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from shared.audio.pcm import Encoding, Samples, encode
from shared.clock import SystemClock
from tests.speech import speech

RATE = 16_000
FRAME = RATE // 50
PHRASES = (
    "I would like to book a flight to Paris on Monday morning.",
    "Yes.",
    "What is the weather like in the city today?",
    "No, thank you.",
    "Please wait a moment, I have to look for the number.",
)
PAUSE_S = 1.2
CLOCK = SystemClock()

Latencies = dict[str, list[float]]


def monologue(seed: int) -> Samples:
    """Phrases with pauses, in an order of the speaker's own."""
    phrases = list(PHRASES)
    random.Random(seed).shuffle(phrases)
    pause = np.zeros(int(PAUSE_S * RATE), np.float32)
    return np.concatenate([part for phrase in phrases for part in (speech(phrase), pause)])


class Speaker:
    """One connection."""

    def __init__(self, socket: ClientConnection, seed: int, seconds: float) -> None:
        self._socket = socket
        self._pcm = encode(monologue(seed), Encoding.S16LE)
        self._frames = int(seconds * RATE / FRAME)
        self._sent: list[float] = []
        self.latencies: Latencies = defaultdict(list)
        self.finals = 0

    async def run(self, semantic: bool) -> None:
        """Speak to the end, and listen."""
        config = {"type": "config", "language": "en", "vad": {"semantic": semantic}}
        await self._socket.send(json.dumps(config))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._speak())

    async def _speak(self) -> None:
        size = 2 * FRAME
        began = CLOCK.now()
        for n in range(self._frames):
            due = began + (n + 1) * FRAME / RATE
            await asyncio.sleep(max(0.0, due - CLOCK.now()))
            at = n * size % (len(self._pcm) - size)
            self._sent.append(CLOCK.now())
            await self._socket.send(self._pcm[at : at + size])
        await self._socket.send('{"type":"end"}')

    async def _listen(self) -> None:
        ended = 0.0
        async for text in self._socket:
            now = CLOCK.now()
            message: dict[str, Any] = json.loads(text)
            kind = message["type"]
            if kind == "ping":
                await self._socket.send(json.dumps({"type": "pong", "t": message["t"]}))
            if kind in {"partial", "candidate", "turn_end"}:
                self._note(kind, message["timestamp"], now)
            if kind == "turn_end":
                ended = message["timestamp"]
            elif kind == "final":
                self.finals += 1
                self._note("final", ended, now)

    def _note(self, kind: str, timestamp: float, now: float) -> None:
        last = -(-round(timestamp * RATE) // FRAME) - 1  # the frame that holds its last sample
        if 0 <= last < len(self._sent):
            self.latencies[kind].append(now - self._sent[last])


async def main(address: str, streams: int, seconds: float, semantic: bool) -> None:
    """Let so many speak at once, each beginning somewhere in the first three seconds."""
    speakers: list[Speaker] = []

    async def one(seed: int) -> None:
        await asyncio.sleep(3 * seed / streams)
        async with connect(
            f"{address}/ws", proxy=None, compression=None, ping_interval=None
        ) as socket:
            speaker = Speaker(socket, seed, seconds)
            speakers.append(speaker)
            await speaker.run(semantic)

    async with asyncio.TaskGroup() as group:
        for seed in range(streams):
            group.create_task(one(seed))
    latencies: Latencies = defaultdict(list)
    for speaker in speakers:
        for kind, values in speaker.latencies.items():
            latencies[kind] += values
    finals = sum(speaker.finals for speaker in speakers)
    sys.stdout.write(json.dumps({"latencies": latencies, "finals": finals}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "semantic"))
