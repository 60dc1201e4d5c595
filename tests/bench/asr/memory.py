"""Memory of the service after many connections: it must be flat."""

import asyncio

import psutil

from tests.audio.speech import speech
from tests.bench.asr.live import INSTANT
from tests.bench.report import Table
from tests.integration.asr.client import client
from tests.running.process import Process, service

ROUNDS = (1, 100, 1000, 2000)
AT_ONCE = 20


async def after_connections() -> Table:
    """Each connection speaks a sentence and gets its final."""
    rows: list[list[str | float]] = []
    done = 0
    async with service(*INSTANT, port_variable="ASR_PORT", env={"LOG_LEVEL": "ERROR"}) as running:
        process = psutil.Process(running.pid)
        for total in ROUNDS:
            while done < total:
                count = min(AT_ONCE, total - done)
                await asyncio.gather(*(_speak(running) for _ in range(count)))
                done += count
            megabytes = process.memory_info().rss / 1e6
            rows.append([str(total), megabytes, str(process.num_threads())])
    return Table(
        "Memory after connections",
        ("connections so far", "resident MB", "threads"),
        rows,
        (f"Each speaks a sentence and gets its final; {AT_ONCE} at a time.",),
    )


async def _speak(running: Process) -> None:
    async with client(running.ws, vad={"semantic": False}) as speaking:
        await speaking.say(speech("What is the weather like today?"))
        await speaking.finish()
