"""Whisper behind the engine seam: weights, lanes, and windows for everybody."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from services.asr.engines.base import (
    EMPTY,
    SAMPLE_RATE,
    EngineInfo,
    Priority,
    Samples,
    TranscribeOptions,
    Transcript,
)
from services.asr.engines.whisper.features import frames_for
from services.asr.engines.whisper.load import Device, devices, fetch, find, load
from services.asr.engines.whisper.model import Weights, WhisperModel
from services.asr.engines.whisper.utterance import WhisperUtterance, WindowHandle, speaks
from services.asr.engines.whisper.window import LADDER, WINDOW_S, Window
from shared.clock import Clock, SystemClock
from shared.engine import Kind
from shared.errors import DeadlineExceeded, EngineUnavailable, InvalidRequest
from shared.scheduling.job import Job
from shared.scheduling.metrics import Observer
from shared.scheduling.runner import Runner
from shared.scheduling.scheduler import Policy

log = logging.getLogger(__name__)

CAPABILITIES = frozenset({"partials", "words", "prompt", "temperature", "logprobs"})
LIVE_LADDER = (0.0, 0.4, 0.8)
"""Temperatures of a turn's final: fewer tries than a file's, because somebody waits."""
_TURN_S = 4.0
"""A live speaker asks for one final in about so many seconds."""
_LOAD = 0.6
"""Share of a device's time that finals may take, so that they seldom wait."""
_PATIENCE_S = 10.0
"""Wait after which a file's window goes before live speakers, once in as long a time: files
end, and a full machine still hears who speaks."""
_MOST = 30


@dataclass(frozen=True, slots=True)
class WhisperSettings:
    """How to load and run Whisper."""

    model: str = "auto"
    """A folder, a size, or a repository of the hub; ``auto``: by the device."""
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda``, or ``cuda:0,1``."""
    compute_type: str = "auto"
    threads: int = 0
    cache: Path | None = None
    """The hub's cache; None: its own default."""
    beam: int = 0
    """Of finals and files; 0: 5 on CUDA, 1 on CPU. Partials are greedy."""
    max_batch: int = 0
    """Windows in one step; 0: 16 on CUDA, 1 on CPU, where a batch takes as long as its
    windows one by one and makes the first of them wait for the last (docs/benchmarks.md)."""
    ladder: tuple[str, ...] = ("large-v3-turbo", "small", "base", "tiny")
    """Models to fall back on, in order, when memory is full; only those on disk."""
    short_windows: tuple[float, ...] = ()
    """Lengths in seconds at which partials may be encoded instead of 30 s."""
    short_finals: bool = False
    """Finals and windows of files are encoded at those lengths, too."""
    capacity: int = 0
    """Live streams taken; 0: measured at the start."""
    step_timeout_s: float = 30.0
    max_waiting: int = 512


class WhisperEngine:
    """Batched: one model per device, one queue before them all."""

    def __init__(
        self,
        settings: WhisperSettings,
        *,
        clock: Clock | None = None,
        observer: Observer | None = None,
        reason: str = "",
    ) -> None:
        self._settings = settings
        self._reason = reason
        self._clock = clock or SystemClock()
        self._observer = observer
        self._models: tuple[WhisperModel, ...] = ()
        self._runner: Runner[Window, Transcript] | None = None
        self._beam = 1
        self._capacity = 0

    @property
    def info(self) -> EngineInfo:
        """The model loaded now; a smaller one after memory ran out."""
        if not self._models:
            name = self._settings.model
            return EngineInfo(
                "whisper", name, Kind.BATCHED, 0, (), CAPABILITIES, reason=self._reason
            )
        weights = self._models[0].weights
        several = {"detect_language", "translate"} if weights.vocabulary.multilingual else set()
        return EngineInfo(
            name="whisper",
            model=weights.name,
            kind=Kind.BATCHED,
            capacity=self._capacity,
            languages=weights.vocabulary.languages,
            capabilities=CAPABILITIES | several,
            reason=self._reason,
        )

    async def start(self) -> None:
        """Find, download if need be, load on every device, warm up.

        Raises:
            EngineUnavailable: with what was tried and what to set.
        """
        places = devices(self._settings.device, self._settings.compute_type, self._settings.threads)
        on_cuda = places[0].kind == "cuda"
        if self._settings.device == "auto" and not on_cuda:
            found = "on the CPU: no CUDA device found"
            self._reason = "; ".join(filter(None, [self._reason, found]))
        name = self._settings.model
        if name == "auto":
            name = "large-v3" if on_cuda else "base"
        path = find(name, self._settings.cache) or await fetch(name, self._settings.cache)
        short = Path(name).name
        self._beam = self._settings.beam or (5 if on_cuda else 1)
        batch = self._settings.max_batch or (16 if on_cuda else 1)
        loaded = [await asyncio.to_thread(load, path, short, place) for place in places]
        self._models = tuple(
            WhisperModel(weights, max_batch=batch, smaller=self._ladder(place, path))
            for weights, place in zip(loaded, places, strict=True)
        )
        measured = await asyncio.to_thread(self._measure)
        self._capacity = self._settings.capacity or measured
        self._runner = Runner(
            self._models,
            policy=Policy(max_waiting=self._settings.max_waiting, patience_s=_PATIENCE_S),
            clock=self._clock,
            step_timeout_s=self._settings.step_timeout_s,
            observer=self._observer,
            name="whisper",
        )
        await self._runner.start()
        log.info(
            "whisper is loaded",
            extra={"model": short, "device": places[0].kind, "capacity": self._capacity},
        )

    def open(self, options: TranscribeOptions) -> WhisperUtterance:
        """Begin a turn."""
        return WhisperUtterance(self, options)

    async def transcribe(self, samples: Samples, options: TranscribeOptions) -> Transcript:
        """One window of a file.

        Raises:
            InvalidRequest: it is longer than 30 s.
            EngineFailed, DeadlineExceeded, AtCapacity: see ``shared.scheduling``.
        """
        if len(samples) > WINDOW_S * SAMPLE_RATE:
            raise InvalidRequest(f"a window holds at most {WINDOW_S:g} s")
        if not speaks(samples):
            return EMPTY
        priority = Priority.JOB if options.background else Priority.FILE
        handle = self.submit(samples, options, priority)
        found = await handle.result()
        if found is None:
            raise DeadlineExceeded("the window was dropped before it was done")
        return replace(found, warnings=handle.warnings)

    def submit(
        self,
        samples: Samples,
        options: TranscribeOptions,
        priority: Priority,
        replaces: object | None = None,
    ) -> WindowHandle:
        """Queue a window of at most 30 s; see :class:`Runner` for the errors."""
        if self._runner is None:
            raise EngineUnavailable("whisper is not loaded")
        return self._runner.submit(
            self._window(samples, options, priority),
            priority=priority,
            owner=options.owner,
            replaces=replaces,
        )

    async def aclose(self) -> None:
        """Stop the lanes; unfinished work fails with ``Draining``."""
        if self._runner is not None:
            await self._runner.aclose()

    def _window(self, samples: Samples, options: TranscribeOptions, priority: Priority) -> Window:
        partial = priority is Priority.PARTIAL
        ladder = {Priority.PARTIAL: (0.0,), Priority.FINAL: LIVE_LADDER}.get(priority, LADDER)
        vocabulary = self._models[0].weights.vocabulary
        return Window(
            samples=samples,
            language=options.language,
            task=options.task,
            prompt=vocabulary.encode_prompt(options.prompt),
            words=options.words,
            timestamps=options.segments,
            logprobs=options.logprobs,
            temperatures=(options.temperature,) if options.temperature else ladder,
            beam=1 if partial else self._beam,
            frames=self._frames(len(samples) / SAMPLE_RATE, partial=partial),
        )

    def _frames(self, seconds: float, *, partial: bool) -> int:
        short = partial or self._settings.short_finals
        return frames_for(seconds, self._settings.short_windows if short else ())

    def _ladder(self, device: Device, loaded: Path) -> Callable[[], Weights | None]:
        remaining = iter(self._settings.ladder)
        size = _bytes(loaded)

        def smaller() -> Weights | None:
            nonlocal size
            for name in remaining:
                path = find(name, self._settings.cache)
                if path is None or _bytes(path) >= size:
                    continue
                try:
                    found = load(path, Path(name).name, device)
                except EngineUnavailable as error:
                    log.warning("a smaller model cannot be loaded", extra={"reason": str(error)})
                    continue
                size = _bytes(path)
                return found
            return None

        return smaller

    def _measure(self) -> int:
        """Streams that the devices can carry, from the time of one window; warms up too."""
        noise = np.random.default_rng(0).standard_normal(round(_TURN_S * SAMPLE_RATE)) * 0.01
        frames = self._frames(_TURN_S, partial=False)
        window = Window(noise.astype(np.float32), "en", frames=frames, words=True)
        seconds = [_timed(model, window, self._clock) for model in self._models]
        return min(_MOST, max(1, int(sum(_LOAD * _TURN_S / second for second in seconds))))


def _bytes(folder: Path) -> int:
    return (folder / "model.bin").stat().st_size


def _timed(model: WhisperModel, window: Window, clock: Clock) -> float:
    """Seconds of one step, the better of two: the first pays for what is made once."""

    def once() -> float:
        began = clock.now()
        model.step([Job(window)])
        return max(clock.now() - began, 1e-3)

    return min(once(), once())
