"""A TTS service that speaks instantly: a tone, 60 ms a character, words where they lie."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from shared.errors import EngineFailed
from shared.protocol import tts
from shared.protocol.base import ErrorMessage, Limits, Message

RATE = 24_000
_CHUNK_S = 0.5
READY = tts.Ready(
    session_id="double",
    engine="double",
    model="double",
    sample_rate=RATE,
    voices=("default",),
    limits=Limits(max_connections=30, max_message_bytes=1 << 20),
)


def tone(seconds: float) -> bytes:
    """s16le at 24 kHz."""
    at = np.arange(round(seconds * RATE)) / RATE
    return (6000 * np.sin(2 * np.pi * 330 * at)).astype("<i2").tobytes()


@dataclass
class Voice:
    """One connection."""

    line: ServerConnection
    service: "ScriptedTts"
    texts: dict[str, str] = field(default_factory=dict)
    spoken: dict[str, int] = field(default_factory=dict)
    chunks: dict[str, int] = field(default_factory=dict)

    async def run(self) -> None:
        """Speak until the line is closed."""
        await self.send(READY)
        async for frame in self.line:
            message = json.loads(frame)
            self.service.messages.append(message)
            await self.does(message)

    async def send(self, message: Message) -> None:
        """One message."""
        await self.line.send(message.wire())

    async def does(self, message: dict[str, Any]) -> None:
        """What a client asks."""
        request = str(message.get("request_id", ""))
        match message["type"]:
            case "synthesize":
                self.texts[request] = message["text"]
                self.spoken[request] = self.chunks[request] = 0
                if not message.get("more"):
                    await self.speaks(request, end=True)
            case "text" if request in self.texts:
                self.texts[request] += message["text"]
            case "flush":
                await self.speaks(request, end=False)
            case "end":
                await self.speaks(request, end=True)
            case "cancel":
                self.texts.pop(request, None)
                await self.send(tts.Cancelled(request_id=request, chunks_sent=0))

    async def speaks(self, request: str, *, end: bool) -> None:
        """What has not been spoken yet, in chunks."""
        if request not in self.texts:
            return
        if self.service.failing:
            failed = EngineFailed("the double was told to fail")
            await self.send(ErrorMessage.of(failed, request))
            return
        await self.service.free.wait()
        text, per_char = self.texts[request], self.service.seconds_per_char
        while (begin := self.spoken[request]) < len(text):
            upto = min(len(text), begin + max(1, round(_CHUNK_S / per_char)))
            words = tuple(
                tts.SpokenWord(
                    word=found[0], start=found.start() * per_char, end=found.end() * per_char
                )
                for found in re.finditer(r"\S+", text)
                if begin <= found.start() < upto
            )
            await self.send(
                tts.AudioChunk(
                    request_id=request,
                    chunk_id=self.chunks[request],
                    duration_ms=(upto - begin) * per_char * 1000,
                    text_start=begin,
                    text_end=upto,
                    words=words,
                )
            )
            await self.line.send(tone((upto - begin) * per_char))
            self.spoken[request], self.chunks[request] = upto, self.chunks[request] + 1
        if end:
            total = len(text) * per_char * 1000
            await self.send(
                tts.SynthesisComplete(
                    request_id=request,
                    total_duration_ms=total,
                    chunks_sent=self.chunks[request],
                )
            )


class ScriptedTts:
    """The service."""

    def __init__(self, seconds_per_char: float = 0.06) -> None:
        self.seconds_per_char = seconds_per_char
        self.url = ""
        self.messages: list[dict[str, Any]] = []
        self.voices: list[Voice] = []
        self.failing = False
        self.free = asyncio.Event()
        """Cleared: it holds its breath."""
        self.free.set()

    def asked(self, kind: str) -> list[dict[str, Any]]:
        """Messages of a type that came in."""
        return [message for message in self.messages if message["type"] == kind]

    async def _serve(self, line: ServerConnection) -> None:
        voice = Voice(line, self)
        self.voices.append(voice)
        try:
            await voice.run()
        except ConnectionClosed:
            return

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator["ScriptedTts"]:
        """Serve on a free port of the loopback, or on the one given."""
        async with serve(self._serve, "127.0.0.1", port, compression=None) as server:
            self.url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
            yield self
