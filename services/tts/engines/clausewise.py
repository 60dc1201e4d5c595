"""An engine on this machine whose model speaks one clause a step, on a thread of its own."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.tts.engines.base import SAMPLE_RATE, EngineInfo, SpeechChunk, SpeechRequest
from services.tts.engines.priority import priority
from shared.errors import EngineFailed, EngineUnavailable, ParleyError
from shared.scheduling.job import Job, Step
from shared.scheduling.metrics import Observer
from shared.scheduling.runner import Runner
from shared.scheduling.scheduler import Policy

_AHEAD_S = 4.0
"""Seconds of untaken audio above which a request sits out."""
_STEP_TIMEOUT_S = 60.0


class ClauseVoice(Protocol):
    """What speaks: called on one thread only."""

    def say(self, request: SpeechRequest, wanted: Callable[[], bool]) -> SpeechChunk:
        """Speak the request whole.

        Args:
            wanted: asked now and then; when it says no, what was made so far will do.

        Raises:
            ParleyError: this request cannot be spoken.
        """
        ...

    def close(self) -> None:
        """Give back what the model holds."""
        ...


class ClauseModel:
    """A `ClauseVoice` as the scheduler sees it: a request is one step, alone."""

    slots: int | None = None

    def __init__(self, voice: ClauseVoice) -> None:
        self._voice = voice

    def group(self, job: Job[SpeechRequest, SpeechChunk]) -> Hashable:
        """Requests never share a step."""
        return id(job)

    def limit(self, group: Hashable) -> int:
        """One request a step."""
        del group
        return 1

    def step(self, jobs: Sequence[Job[SpeechRequest, SpeechChunk]]) -> list[Step[SpeechChunk]]:
        """Speak each request whole."""
        return [self._spoken(job) for job in jobs]

    def _spoken(self, job: Job[SpeechRequest, SpeechChunk]) -> Step[SpeechChunk]:
        try:
            chunk = self._voice.say(job.request, lambda: not job.cancelled)
        except EngineFailed:
            raise
        except ParleyError as error:  # the request's own fault, not the engine's
            return Step(error=error)
        return Step(outputs=(chunk,), done=True)

    def release(self, job: Job[SpeechRequest, SpeechChunk]) -> None:
        """Nothing is held between steps."""

    def degrade(self) -> str | None:
        """There is nothing smaller."""
        return None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model, ready, and what it says of itself."""

    info: EngineInfo
    voice: ClauseVoice


class ClauseEngine:
    """Puts one loaded model behind the seam.

    Args:
        load: loads the model; called once, off the event loop.
        name: of the model's thread.
    """

    def __init__(
        self, load: Callable[[], Loaded], *, name: str, observer: Observer | None = None
    ) -> None:
        self._load = load
        self._name = name
        self._observer = observer
        self._loaded: Loaded | None = None
        self._runner: Runner[SpeechRequest, SpeechChunk] | None = None

    @property
    def info(self) -> EngineInfo:
        """What it is; known once it is started."""
        if self._loaded is None:
            raise EngineUnavailable(f"{self._name} is not started")
        return self._loaded.info

    async def start(self) -> None:
        """Load the model and start its thread."""
        self._loaded = await asyncio.to_thread(self._load)
        self._runner = Runner(
            [ClauseModel(self._loaded.voice)],
            policy=Policy(max_unsent=_AHEAD_S),
            step_timeout_s=_STEP_TIMEOUT_S,
            observer=self._observer,
            weigh=lambda chunk: len(chunk.samples) / SAMPLE_RATE,
            name=self._name,
        )
        await self._runner.start()

    async def speak(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        """Speak; the whole clause is one chunk."""
        if self._runner is None:
            raise EngineUnavailable(f"{self._name} is not started")
        handle = self._runner.submit(
            request,
            priority=priority(request),
            owner=request.owner,
            deadline=request.deadline,
        )
        async with handle:
            async for chunk in handle:
                yield chunk

    async def forget(self, voice_id: str) -> None:
        """It has no voices but its own."""

    async def aclose(self) -> None:
        """Stop the thread, then give the model back."""
        if self._runner is not None:
            await self._runner.aclose()
        if self._loaded is not None:
            self._loaded.voice.close()
        self._runner = self._loaded = None
