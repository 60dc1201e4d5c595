"""A server that speaks OpenAI's and ElevenLabs' protocols, and fails in every way asked for."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

KEY = "right-key"
CHAR_SAMPLES = 1200
"""Samples at 24 kHz that a character takes to say."""


@dataclass
class SpeechServer:
    """What the server does next, and what it was asked."""

    url: str = ""
    failure: str = ""
    """Empty, a status (`429`), `hang`, `cut` (in the middle), `garbage`."""
    asked: list[dict[str, object]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    """Set in the end: who hangs may go."""


def pcm(text: str) -> bytes:
    """s16le at 24 kHz: a hum as long as the text."""
    time = np.arange(len(text) * CHAR_SAMPLES)
    return (np.sin(time / 20) * 8000).astype("<i2").tobytes()


@contextmanager
def speech_server() -> Iterator[SpeechServer]:
    """Both protocols on one port of the loopback."""
    state = SpeechServer()
    handler = type("Handler", (_Handler,), {"state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            state.released.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: SpeechServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if not self._allowed():
            return
        rows = [{"voice_id": "hum", "name": "Hum"}, {"voice_id": "drone", "name": "Drone"}]
        self._answer(200, {"voices": rows, "data": []})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.state.asked.append({**body, "path": self.path})
        if not self._allowed():
            return
        failure = self.state.failure
        if failure.isdigit():
            self._answer(int(failure), {"error": {"message": "as asked"}})
            return
        if failure == "hang":
            self.state.released.wait(30)
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        text = str(body.get("input", body.get("text", "")))
        parts = self._lines(text) if "text-to-speech" in self.path else self._pieces(text)
        for number, part in enumerate(parts):
            if failure == "cut" and number:
                self.close_connection = True
                return
            self._chunk(b"{ no chunk\n" if failure == "garbage" else part)
        self._chunk(b"")

    def _pieces(self, text: str) -> list[bytes]:
        data = pcm(text)
        return [data[at : at + 4001] for at in range(0, len(data), 4001)]

    def _lines(self, text: str) -> list[bytes]:
        lines = []
        for start in range(0, len(text), 7):
            part = text[start : start + 7]
            begins = [(start + n) * CHAR_SAMPLES / 24_000 for n in range(len(part))]
            message = {
                "audio_base64": base64.b64encode(pcm(part)).decode(),
                "alignment": {
                    "characters": list(part),
                    "character_start_times_seconds": begins,
                    "character_end_times_seconds": [b + CHAR_SAMPLES / 24_000 for b in begins],
                },
            }
            lines.append(json.dumps(message).encode() + b"\n")
        return lines

    def _allowed(self) -> bool:
        keys = (self.headers.get("xi-api-key"), self.headers.get("authorization"))
        if KEY in keys or f"Bearer {KEY}" in keys:
            return True
        self._answer(401, {"error": {"message": "no such key"}})
        return False

    def _answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "7")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _chunk(self, data: bytes) -> None:
        try:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""
