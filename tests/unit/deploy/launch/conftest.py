"""A service small enough to start in a tenth of a second, as a real process."""

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.launch.process import Process

SERVICE = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        engine = {"name": "sphinx", "model": "en-us", "reason": "no weights on disk"}
        body = json.dumps({"engine": engine}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""

Spawn = Callable[..., Process]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def spawn(tmp_path: Path) -> Spawn:
    """Starts a Python script as a service that logs to `<name>.log` in a folder of the test's."""

    def start(script: str, *arguments: str, name: str = "asr") -> Process:
        command = [sys.executable, "-I", "-c", script, *arguments]
        return Process(name, command, tmp_path, {}, tmp_path / f"{name}.log")

    return start


@pytest.fixture
def service(spawn: Spawn, free_port: int) -> Callable[[], Process]:
    """Starts a service that listens on `free_port`."""
    return lambda: spawn(SERVICE, str(free_port))
