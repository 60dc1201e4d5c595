"""Listeners that hear a second a second and ask for the next sentence when one is over."""

import asyncio
import time
from dataclasses import dataclass, field

from tests.integration.tts.client import Client, client
from tests.running.service import ServiceProcess

SENTENCE = "This sentence is about as long as the sentences of a reply are."


@dataclass
class Listener:
    """What one of them measured."""

    told_ms: list[float] = field(default_factory=list)
    """The service's own `first_chunk_ms` of each reply."""
    seen_ms: list[float] = field(default_factory=list)
    """From sending the text to having the first chunk."""


async def listen(service: ServiceProcess, streams: int, seconds: float) -> list[Listener]:
    """So many at once, for so long; they begin spread over a second."""
    until = time.monotonic() + seconds
    return await asyncio.gather(*(_one(service, n / streams, until) for n in range(streams)))


async def _one(service: ServiceProcess, delay_s: float, until: float) -> Listener:
    listener = Listener()
    async with client(service) as peer:
        await asyncio.sleep(delay_s)
        number = 0
        while time.monotonic() < until:
            number += 1
            began = time.perf_counter()
            seconds = await _reply(peer, f"r{number}", listener)
            await asyncio.sleep(max(0.0, seconds - (time.perf_counter() - began)))
    return listener


async def _reply(peer: Client, request_id: str, listener: Listener) -> float:
    """Ask and hear; the reply's length in seconds."""
    began = time.perf_counter()
    await peer.send(
        type="synthesize",
        request_id=request_id,
        text=SENTENCE,
        chunk_size=5,
        format={"encoding": "s16le", "sample_rate": 24_000},
    )
    first = await peer.message()
    await peer.frame()
    listener.seen_ms.append((time.perf_counter() - began) * 1000)
    assert first["type"] == "audio_chunk"
    _, complete = await peer.until("synthesis_complete")
    listener.told_ms.append(float(complete["first_chunk_ms"]))
    return float(complete["total_duration_ms"]) / 1000
