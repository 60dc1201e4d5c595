"""The whole orchestrator over its real sockets, between clients and instant services."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import httpx
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.bench.conversation.row import Row, load
from tests.bench.conversation.script import Clock, Plan, Push, run
from tests.running.process import ROOT
from tests.running.service import ServiceProcess


@contextmanager
def services() -> Iterator[tuple[str, str]]:
    """Addresses of the instant ASR and TTS."""
    command = [sys.executable, "-m", "tests.bench.conversation.doubles"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            asr, tts = json.loads(process.stdout.readline())
            yield f"http://127.0.0.1:{asr}", f"http://127.0.0.1:{tts}"
        finally:
            process.terminate()


@asynccontextmanager
async def opened(clock: Clock, http: httpx.AsyncClient) -> AsyncIterator[Push]:
    """One client."""
    session = (await http.post("/v2/sessions", json={})).json()
    async with connect(session["ws_url"], compression=None, proxy=None, max_queue=None) as line:
        reader = asyncio.create_task(_read(line, clock))
        try:
            yield line.send
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)


async def _read(line: ClientConnection, clock: Clock) -> None:
    try:
        async for frame in line:
            if isinstance(frame, bytes):
                clock.audio()
            elif '"audio.duck"' in frame:
                clock.duck()
            elif '"audio.clear"' in frame:
                clock.clear()
    except ConnectionClosed:
        return


async def measure(name: str, count: int, seconds: float, *, lockstep: bool) -> Row:
    """``count`` clients at a time; CPU and memory are the orchestrator's alone."""
    with services() as (asr, tts):
        settings = {"ASR_URL": asr, "TTS_URL": tts, "ORCHESTRATOR_MAX_SESSIONS": "200"}
        with ServiceProcess("orchestrator", **settings) as orchestrator:
            return await _measured(name, orchestrator, count, seconds, lockstep)


async def _measured(
    name: str, orchestrator: ServiceProcess, count: int, seconds: float, lockstep: bool
) -> Row:
    process = psutil.Process(orchestrator.pid)
    async with (
        httpx.AsyncClient(base_url=orchestrator.url, trust_env=False) as http,
        AsyncExitStack() as stack,
    ):
        warm = Clock(Plan.of(4.5))
        push = await stack.enter_async_context(opened(warm, http))
        await run([warm], [push], lockstep=True)
        before_mib = process.memory_info().rss / 2**20
        clocks = [Clock(Plan.of(seconds)) for _ in range(count)]
        pushes = [await stack.enter_async_context(opened(clock, http)) for clock in clocks]
        cpu_s, now_load = _cpu_s(process), load()
        await run(clocks, pushes, lockstep=lockstep)
        cpu_s = _cpu_s(process) - cpu_s
        added_mib = process.memory_info().rss / 2**20 - before_mib
    return Row(name, clocks, cpu_s, added_mib, now_load)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
