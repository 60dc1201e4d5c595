"""The launcher as a process on free ports, in the environment that the tests run in."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil

from deploy.locks.lock import ROOT

PORTS = ("ASR_PORT", "TTS_PORT", "ORCHESTRATOR_PORT")
PATIENCE_S = 30


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


class Launcher:
    """`python -m deploy.launch --installed`, and what it prints."""

    def __init__(self, process: "subprocess.Popen[str]", ports: dict[str, int]) -> None:
        self.process = process
        self.ports = ports
        self.said = ""

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[f'{service.upper()}_PORT']}"

    def read_until(self, words: str) -> str:
        """All it has printed up to the line that holds `words`."""
        for line in self._output:
            self.said += line
            if words in line:
                return self.said
        raise AssertionError(f"it ended without {words!r}:\n{self.said}")

    def finish(self) -> int:
        """Its exit code, once it has ended."""
        self.said += self._output.read()
        return self.process.wait(PATIENCE_S)

    def services(self) -> list[psutil.Process]:
        """The processes that it started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.finish()

    @property
    def _output(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout


@contextmanager
def launched(folder: Path, **environ: str) -> Iterator[Launcher]:
    """Start the stack with settings of the test's own."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    clean = {k: v for k, v in os.environ.items() if not re.match("ASR_|TTS_|ORCH|LLM_|HOST$", k)}
    settings = {name: str(port) for name, port in ports.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.launch", "--installed", "--logs", str(folder)],
        cwd=ROOT,
        env={**clean, **settings, "HF_HUB_OFFLINE": "1", **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield Launcher(process, ports)
        finally:
            process.kill()
