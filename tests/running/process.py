"""Real service processes on free ports of the loopback."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent.parent


def free_port() -> int:
    """A port that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A started process and what it said on stderr."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port
        self.pid = process.pid
        self.http = f"http://127.0.0.1:{port}"
        self.ws = f"ws://127.0.0.1:{port}"

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def ended(self, timeout_s: float = 20) -> tuple[int, str]:
        """Exit code and stderr, once it has ended."""
        async with asyncio.timeout(timeout_s):
            _, text = await self._process.communicate()
        return self._process.returncode or 0, text.decode()

    async def ready(self, timeout_s: float = 40) -> None:
        """Wait until it answers ``/ready``; fail when it dies first."""
        async with asyncio.timeout(timeout_s), httpx.AsyncClient() as client:
            while self._process.returncode is None:
                try:
                    if (await client.get(f"{self.http}/ready")).is_success:
                        return
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
        _, text = await self.ended()
        raise AssertionError(f"ended before it was ready: {text}")


async def launch(*arguments: str, port: int = 0, env: Mapping[str, str] | None = None) -> Process:
    """Start ``python *arguments`` at the project's root."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    return Process(process, port)


@asynccontextmanager
async def service(
    *arguments: str, port_variable: str, env: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """A ready service on a free port, stopped in the end."""
    port = free_port()
    process = await launch(*arguments, port=port, env={port_variable: str(port), **(env or {})})
    try:
        await process.ready()
        yield process
    finally:
        if process._process.returncode is None:
            process.signal(signal.SIGKILL)
        await process.ended()
