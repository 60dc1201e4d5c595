"""What a running service says of itself."""

import asyncio
from pathlib import Path

import httpx

from tests.running.process import Process


async def get(service: Process, path: str) -> httpx.Response:
    """Ask it over HTTP."""
    async with httpx.AsyncClient(base_url=service.http, trust_env=False) as asking:
        return await asking.get(path)


async def metric(service: Process, name: str, *labels: str) -> float:
    """The sum of a metric's samples that carry these labels (``code="at_capacity"``)."""
    text = (await get(service, "/metrics")).text
    lines = [line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
    wanted = [line for line in lines if all(label in line for label in labels)]
    return sum(float(line.rsplit(" ", 1)[1]) for line in wanted)


async def places_taken(service: Process) -> int:
    """Places that somebody holds."""
    return int((await get(service, "/health")).json()["places"]["taken"])


async def until_places_taken(service: Process, count: int, within_s: float = 20.0) -> None:
    """Wait until so many places are taken."""
    async with asyncio.timeout(within_s):
        while await places_taken(service) != count:
            await asyncio.sleep(0.02)


def open_files(service: Process) -> int:
    """File descriptors that its process holds."""
    return len(list(Path(f"/proc/{service.pid}/fd").iterdir()))


async def until_open_files(service: Process, most: int, within_s: float = 20.0) -> None:
    """Wait until its process holds at most so many; kept-alive connections take seconds."""
    async with asyncio.timeout(within_s):
        while open_files(service) > most:
            await asyncio.sleep(0.1)


def threads(service: Process) -> int:
    """Threads of its process."""
    return len(list(Path(f"/proc/{service.pid}/task").iterdir()))
