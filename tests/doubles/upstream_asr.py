"""Local servers that speak the protocols of the remote ASR engines."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse
from starlette.responses import Response as HttpResponse
from starlette.routing import Route
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.running.app import serving

VERBOSE = {
    "text": " hello there ",
    "language": "german",
    "words": [{"word": "hello", "start": 0.1, "end": 0.4}],
    "segments": [{"start": 0.1, "end": 0.9, "text": " hello there", "avg_logprob": -0.5}],
}

Reply = Callable[[dict[str, Any]], Awaitable[HttpResponse]]


@dataclass
class OpenAIServer:
    """A transcription server that answers as the test says, and remembers what it was asked."""

    url: str = ""
    reply: Reply | None = None
    models: int = 200
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def transcribe(self, request: HttpRequest) -> HttpResponse:
        async with request.form() as form:
            fields: dict[str, Any] = {
                "path": request.url.path,
                "key": request.headers.get("authorization"),
            }
            for name in form:
                values = form.getlist(name)
                fields[name] = values if name.endswith("[]") else values[0]
            fields["bytes"] = len(await form["file"].read())  # type: ignore[union-attr]
        self.asked.append(fields)
        return await self.reply(fields) if self.reply else JSONResponse(VERBOSE)

    async def list(self, _: HttpRequest) -> HttpResponse:
        return JSONResponse({"error": {"message": "who?"}}, self.models)


@asynccontextmanager
async def openai_served(server: OpenAIServer) -> AsyncIterator[OpenAIServer]:
    app = Starlette(
        routes=[
            Route("/v1/audio/transcriptions", server.transcribe, methods=["POST"]),
            Route("/v1/audio/translations", server.transcribe, methods=["POST"]),
            Route("/v1/models", server.list),
        ]
    )
    async with serving(app) as address:
        server.url = f"{address}/v1"
        yield server


def deepgram_results(*words: str, start: float = 0.0, **marks: object) -> str:
    said = [
        {"word": word, "start": start + n, "end": start + n + 0.5, "confidence": 0.8}
        for n, word in enumerate(words)
    ]
    alternative = {"transcript": " ".join(words), "words": said, "languages": ["en-US"]}
    message = {"type": "Results", "channel": {"alternatives": [alternative]}, **marks}
    return json.dumps({"is_final": False, "from_finalize": False, **message})


class DeepgramServer:
    """A live server that says one word a second of audio; remembers what it was sent."""

    def __init__(self) -> None:
        self.path = ""
        self.key = ""
        self._seconds: dict[ServerConnection, float] = {}
        self.commands: list[str] = []
        self.closed = asyncio.Event()
        self.answers = True
        self.refusal: HTTPStatus | None = None

    def check(self, connection: ServerConnection, request: Request) -> Response | None:
        self.path = request.path
        self.key = request.headers["Authorization"]
        if self.refusal is None:
            return None
        return connection.respond(self.refusal, "no")

    async def handle(self, connection: ServerConnection) -> None:
        try:
            async for message in connection:
                await self.take(connection, message)
        except ConnectionClosed:
            pass
        self.closed.set()

    async def take(self, connection: ServerConnection, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self._seconds[connection] = self._seconds.get(connection, 0.0) + len(message) / 32_000
            await connection.send('{"type":"SpeechStarted","timestamp":0}')
            await connection.send(deepgram_results(*self.words(connection)))
            return
        self.commands.append(json.loads(message)["type"])
        if self.commands[-1] == "Finalize" and self.answers:
            await connection.send(
                deepgram_results(*self.words(connection), is_final=True, from_finalize=True)
            )
            self._seconds[connection] = 0

    def words(self, connection: ServerConnection) -> list[str]:
        return [f"w{n}" for n in range(round(self._seconds.get(connection, 0.0)))]
