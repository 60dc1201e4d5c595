"""Our dialogue alone, in one process, with services that are instant doubles."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import psutil

from services.orchestrator.llm.base import ChatRequest, Delta, Done, Message, Text
from services.orchestrator.metrics import OrchestratorMetrics
from services.orchestrator.pipeline.conversation import Conversation
from services.orchestrator.pipeline.dialogue import Dialogue
from services.orchestrator.pipeline.fillers import Fillers
from services.orchestrator.pipeline.heard import Spoken
from services.orchestrator.pipeline.history import History
from services.orchestrator.pipeline.options import Options
from services.orchestrator.pipeline.parts import Parts
from services.orchestrator.pipeline.ports import Heard, Piece
from services.orchestrator.pipeline.thinking import Thinking
from shared.clock import SystemClock
from shared.protocol import asr
from shared.protocol.base import Message as Event
from shared.protocol.conversation import AudioClear, AudioDuck
from tests.bench.conversation.row import Row, load
from tests.bench.conversation.script import (
    FIRST_WORDS,
    FRAME_S,
    REPLY,
    SENTENCE,
    TRANSCRIPT,
    Clock,
    Detector,
    Plan,
    Push,
    run,
)


class Ears:
    """Hears by the energy rule; the first word of an interruption comes with its first frame."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[Heard] = asyncio.Queue()
        self._detector = Detector()
        self._at = 0.0

    async def feed(self, pcm: bytes) -> None:
        """One frame."""
        self._at += FRAME_S
        decision = self._detector.feed(pcm)
        if decision == "start":
            self._says(
                asr.SpeechStart(timestamp=self._at),
                asr.Partial(text=FIRST_WORDS, confidence=1, timestamp=self._at),
            )
        elif decision == "end":
            self._says(
                asr.SpeechEnd(timestamp=self._at),
                asr.TurnEnd(timestamp=self._at, probability=1, reason="silence"),
                asr.Final(text=TRANSCRIPT, start=0, end=self._at),
            )

    def _says(self, *messages: Heard) -> None:
        for message in messages:
            self._heard.put_nowait(message)

    async def configure(self, changes: Mapping[str, Any]) -> None:
        """Not here."""

    async def tell(self, message: asr.Flush | asr.Reset | asr.Silence) -> None:
        """Not here."""

    async def listen(self) -> AsyncIterator[Heard]:
        """Until cancelled."""
        while True:
            yield await self._heard.get()


class Mind:
    """Ten tokens, two sentences."""

    name = "instant"

    async def reply(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """At once."""
        for token in REPLY:
            yield Text(token)
        yield Done()

    async def aclose(self) -> None:
        """Nothing is held."""


class Voice:
    """A second of sound for each sentence."""

    voice_id = "default"
    language: str | None = None

    def use(self, voice_id: str | None, language: str | None) -> None:
        """Not here."""

    async def speak(self, text: AsyncIterator[str]) -> AsyncGenerator[Piece, None]:
        """At once."""
        at = 0
        async for clauses in text:
            for sentence in clauses.replace(". ", ".\n").split("\n"):
                yield Piece(SENTENCE, Spoken(at, at + len(sentence)))
                at += len(sentence)


class Ear:
    """The client's side: reads the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def tell(self, message: Event) -> None:
        """An event."""
        if isinstance(message, AudioDuck):
            self._clock.duck()
        elif isinstance(message, AudioClear):
            self._clock.clear()

    def play(self, pcm: bytes) -> None:
        """Audio."""
        self._clock.audio()

    def keep(self, messages: Sequence[Message]) -> None:
        """Nothing is stored."""


@asynccontextmanager
async def opened(clock: Clock, metrics: OrchestratorMetrics) -> AsyncIterator[Push]:
    """One conversation."""
    parts = Parts(
        dialogue=Dialogue(Options()),
        hearing=Ears(),
        speech=Voice(),
        thinking=Thinking(Mind(), None, ""),
        history=History("You take bookings.", budget=4000),
        outlet=Ear(clock),
        fillers=Fillers(),
        clock=SystemClock(),
        metrics=metrics,
    )
    conversation = Conversation(parts)
    task = asyncio.create_task(conversation.run())
    try:
        yield conversation.microphone
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def measure(name: str, count: int, seconds: float, *, lockstep: bool) -> Row:
    """A warm-up, then ``count`` conversations at a time."""
    metrics = OrchestratorMetrics()
    warm = Clock(Plan.of(4.5))
    async with opened(warm, metrics) as push:
        await run([warm], [push], lockstep=True)
    process = psutil.Process()
    before_mib = process.memory_info().rss / 2**20
    clocks = [Clock(Plan.of(seconds)) for _ in range(count)]
    async with AsyncExitStack() as stack:
        pushes = [await stack.enter_async_context(opened(clock, metrics)) for clock in clocks]
        cpu_s, now_load = time.process_time(), load()
        await run(clocks, pushes, lockstep=lockstep)
        cpu_s = time.process_time() - cpu_s
        added_mib = process.memory_info().rss / 2**20 - before_mib
    return Row(name, clocks, cpu_s, added_mib, now_load)
