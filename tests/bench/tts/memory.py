"""Whether the service's memory grows with the connections that came and went."""

import asyncio
import logging

from tests.bench.tts.listeners import SENTENCE
from tests.integration.tts.client import client
from tests.running.service import ServiceProcess

_AT_ONCE = 10


async def over_connections(service: ServiceProcess, count: int) -> list[tuple[str, float]]:
    """Resident memory in MB after every tenth of `count` connections."""
    rows = [("0", _megabytes(service))]
    for done in range(count // 10, count + 1, count // 10):
        for _ in range(count // 10 // _AT_ONCE):
            await asyncio.gather(*(_visit(service) for _ in range(_AT_ONCE)))
        rows.append((str(done), _megabytes(service)))
        logging.info("%s connections: %.1f MB", *rows[-1])
    return rows


async def _visit(service: ServiceProcess) -> None:
    async with client(service) as peer:
        await peer.send(type="synthesize", request_id="r", text=SENTENCE)
        await peer.until("synthesis_complete")


def _megabytes(service: ServiceProcess) -> float:
    return round(service.memory() / 2**20, 1)
