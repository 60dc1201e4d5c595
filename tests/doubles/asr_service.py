"""An ASR service that recognises instantly: any sound is speech, its text is given."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from shared.protocol import asr
from shared.protocol.base import Limits, Message

RATE = 16_000
READY = asr.Ready(
    session_id="double",
    model="double",
    engine="double",
    sample_rate=RATE,
    limits=Limits(max_connections=30, max_message_bytes=1 << 20),
)


@dataclass
class Ears:
    """One connection: an energy rule, and what a test wants said."""

    line: ServerConnection
    texts: Sequence[str]
    hangover_s: float
    candidates: bool
    speaking: bool = False
    heard_s: float = 0.0
    silent_s: float = 0.0
    began_s: float = 0.0
    turns: int = 0
    paused: bool = False
    messages: list[dict[str, object]] = field(default_factory=list)
    frames: int = 0

    async def says(self, *messages: Message) -> None:
        """Send messages as if it had heard them."""
        for message in messages:
            await self.line.send(message.wire())

    async def run(self) -> None:
        """Listen until the line is closed."""
        await self.says(READY)
        async for frame in self.line:
            if isinstance(frame, bytes):
                await self.hears(frame)
            else:
                self.messages.append(json.loads(frame))

    async def hears(self, frame: bytes) -> None:
        """A frame of s16le at 16 kHz."""
        self.frames += 1
        seconds = len(frame) / 2 / RATE
        self.heard_s += seconds
        if any(frame[2:34]):
            self.silent_s = 0.0
            if not self.speaking:
                self.speaking, self.began_s = True, self.heard_s - seconds
                await self.says(asr.SpeechStart(timestamp=self.began_s))
        elif self.speaking:
            self.silent_s += seconds
            if self.silent_s >= self.hangover_s - 1e-6:
                await self.ends()

    async def ends(self) -> None:
        """The turn is over: its text is the next of the script."""
        self.speaking = False
        text = self.texts[self.turns % len(self.texts)] if self.texts else ""
        self.turns += 1
        end = self.heard_s - self.silent_s
        await self.says(asr.SpeechEnd(timestamp=end))
        if self.candidates:
            candidate = asr.Candidate(text=text, probability=0.9, segment=0, timestamp=end)
            await self.says(candidate)
        await self.says(
            asr.TurnEnd(timestamp=self.heard_s, probability=0.9, reason="silence"),
            asr.Final(text=text, start=self.began_s, end=end, language="en"),
        )


class ScriptedAsr:
    """The service: hands each connection to the test."""

    def __init__(
        self, texts: Sequence[str] = (), *, hangover_s: float = 0.2, candidates: bool = False
    ) -> None:
        self.texts = texts
        self.hangover_s = hangover_s
        self.candidates = candidates
        self.url = ""
        self.ears: list[Ears] = []
        self.full = False
        """Refuse the next connections as a service without places does."""
        self._came = asyncio.Condition()

    async def connection(self, number: int) -> Ears:
        """The connection of that number, once it is there."""
        async with asyncio.timeout(10), self._came:
            await self._came.wait_for(lambda: len(self.ears) > number)
        return self.ears[number]

    def _admit(self, line: ServerConnection, _: Request) -> Response | None:
        if not self.full:
            return None
        answer = line.respond(503, "full\n")
        answer.headers["Retry-After"] = "3"
        return answer

    async def _serve(self, line: ServerConnection) -> None:
        ears = Ears(line, self.texts, self.hangover_s, self.candidates)
        async with self._came:
            self.ears.append(ears)
            self._came.notify_all()
        try:
            await ears.run()
        except ConnectionClosed:
            return

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator["ScriptedAsr"]:
        """Serve on a free port of the loopback, or on the one given."""
        async with serve(
            self._serve, "127.0.0.1", port, process_request=self._admit, compression=None
        ) as server:
            self.url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
            yield self
