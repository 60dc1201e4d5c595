import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from deploy.locks.lock import ROOT


class Answer(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/ready" else 404)
        self.end_headers()

    def log_request(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def check(*arguments: str, **environ: str) -> int:
    script = ROOT / "deploy" / "docker" / "healthcheck.py"
    command = [sys.executable, "-I", str(script), *arguments]
    return subprocess.run(command, env=environ, check=False).returncode


def test_only_a_ready_service_is_healthy(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check("ASR_PORT", str(port)) == 0
    assert check("ASR_PORT", "9", ASR_PORT=str(port)) == 0
    assert check("ASR_PORT", "9") == 1
    monkeypatch.setattr(Answer, "status", 503)
    assert check("ASR_PORT", str(port)) == 1
