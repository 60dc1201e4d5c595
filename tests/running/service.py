"""A real service process that the tests of a module share, started without an event loop."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from typing import ClassVar, Self

import httpx
import psutil

from tests.running.process import ROOT, free_port

_STOP_S = 15.0
_LISTENS = "Running on "


class ServiceProcess:
    """`python -m services.NAME` with settings from the environment.

    Args:
        name: `asr`, `tts` or `orchestrator`.
        module: to run instead of the service's own.
        settings: environment variables; without a port among them it takes a free one.
    """

    start_s: ClassVar[float] = 30.0
    """Longest time until it listens."""

    def __init__(self, name: str, *, module: str = "", **settings: str) -> None:
        self.name = name
        port_variable = f"{name.upper()}_PORT"
        self.port = int(settings.get(port_variable, 0)) or free_port()
        self.log: deque[str] = deque(maxlen=2000)
        """The last lines it wrote."""
        self._listens = threading.Event()
        self._written = threading.Condition()
        kept = {key: value for key, value in os.environ.items() if not _foreign(key)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", module or f"services.{name}"],
            cwd=ROOT,
            env={
                **kept,
                "HOST": "127.0.0.1",
                "OMP_NUM_THREADS": "1",
                port_variable: str(self.port),
                **settings,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def url(self) -> str:
        """Its HTTP address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        """Its native WebSocket."""
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def __enter__(self) -> Self:
        if not self._listens.wait(self.start_s) or self._process.poll() is not None:
            self.stop()
            raise RuntimeError(f"{self.name} did not start:\n" + "\n".join(self.log))
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def wait(self, timeout_s: float = _STOP_S) -> int:
        """Its exit code, once it has ended by itself."""
        code = self._process.wait(timeout_s)
        self._reader.join(timeout_s)
        return code

    def kill(self) -> None:
        """End it as a crash does."""
        self._process.kill()
        self.stop()

    def stop(self) -> None:
        """End it, gently first."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_STOP_S)
        self._reader.join(_STOP_S)
        if self._process.stderr is not None:
            self._process.stderr.close()

    async def places_taken(self) -> int:
        """Places that somebody holds."""
        leaving = {"connection": "close"}  # a connection kept alive would count as an open file
        async with httpx.AsyncClient(trust_env=False, headers=leaving) as client:
            health = (await client.get(f"{self.url}/health")).json()
        return int(health["places"]["taken"])

    async def until_places_taken(self, count: int, within_s: float = 20.0) -> None:
        """Wait until so many places are taken."""
        async with asyncio.timeout(within_s):
            while await self.places_taken() != count:
                await asyncio.sleep(0.02)

    def until_logged(self, part: str, within_s: float = 20.0) -> None:
        """Wait until it wrote a line that holds this."""
        with self._written:
            found = self._written.wait_for(lambda: any(part in line for line in self.log), within_s)
        assert found, f"{self.name} never wrote {part}"

    def open_files(self) -> int:
        """File descriptors that it holds."""
        count: int = psutil.Process(self.pid).num_fds()
        return count

    def peers(self) -> set[int]:
        """Ports of the clients whose connections it holds."""
        held = psutil.Process(self.pid).net_connections(kind="tcp")
        return {each.raddr.port for each in held if each.raddr}

    def memory(self) -> int:
        """Bytes of memory that it holds."""
        size: int = psutil.Process(self.pid).memory_info().rss
        return size

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with self._written:
                self.log.append(line.rstrip())
                self._written.notify_all()
            if _LISTENS in line:
                self._listens.set()
        self._listens.set()  # it ended: nobody need wait


def _foreign(key: str) -> bool:
    """Settings of the person who runs the tests must not leak into the service."""
    return key.startswith(("ASR_", "TTS_", "ORCHESTRATOR_", "LLM_")) or key in (
        "API_KEYS",
        "REDIS_URL",
        "HOST",
        "LOG_LEVEL",
    )
