"""One turn: samples gather, and whole windows of them go to the scheduler."""

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Protocol

import numpy as np

from services.asr.engines.base import (
    SAMPLE_RATE,
    Priority,
    Samples,
    TranscribeOptions,
    Transcript,
)
from services.asr.engines.whisper.cut import pieces
from services.asr.engines.whisper.window import Window
from shared.errors import EngineFailed
from shared.scheduling.handle import Handle

SHORTEST_S = 0.05
"""Less audio than this holds no word."""
QUIETEST = 1e-4
"""Audio that never exceeds it is digital silence: nothing is asked of the model."""

WindowHandle = Handle[Window, Transcript]


class Desk(Protocol):
    """Where an utterance takes its windows."""

    def submit(
        self,
        samples: Samples,
        options: TranscribeOptions,
        priority: Priority,
        replaces: object | None = None,
    ) -> WindowHandle:
        """Queue a window."""
        ...


class WhisperUtterance:
    """The samples of one turn that were not settled yet."""

    def __init__(self, desk: Desk, options: TranscribeOptions) -> None:
        self._desk = desk
        self._options = options
        self._chunks: list[Samples] = []
        self._fed = 0
        """Samples ever fed."""
        self._first = 0
        """Position of the first sample that is kept."""
        self._final: tuple[int, int, Transcript] | None = None
        self._handles: set[WindowHandle] = set()

    def feed(self, samples: Samples) -> None:
        """Add what was heard next."""
        self._chunks.append(np.array(samples, np.float32))
        self._fed += len(samples)

    async def partial(self) -> Transcript | None:
        """The text since the last settled word; None when a newer request replaced it."""
        return await self._transcribe(replace(self._options, words=True), Priority.PARTIAL)

    async def final(self) -> Transcript:
        """The whole text since the last settled word; made once for the same samples."""
        if self._final is not None and self._final[:2] == (self._first, self._fed):
            return self._final[2]
        state = (self._first, self._fed)
        found = await self._transcribe(self._options, Priority.FINAL)
        if found is None:
            raise EngineFailed("the turn was closed before its text was ready")
        self._final = (*state, found)
        return found

    def settle(self, until: float) -> None:
        """Forget the audio before ``until`` seconds."""
        at = min(round(until * SAMPLE_RATE), self._fed)
        if at <= self._first:
            return
        kept = self._kept()[at - self._first :]
        self._chunks, self._first = [kept], at

    async def aclose(self) -> None:
        """Drop the samples, and the windows that are still queued."""
        for handle in tuple(self._handles):
            handle.cancel()
        self._chunks = []
        self._first = self._fed

    def _kept(self) -> Samples:
        if len(self._chunks) > 1:
            self._chunks = [np.concatenate(self._chunks)]
        return self._chunks[0] if self._chunks else np.zeros(0, np.float32)

    async def _transcribe(
        self, options: TranscribeOptions, priority: Priority
    ) -> Transcript | None:
        offset = self._first / SAMPLE_RATE
        windows = pieces(self._kept())
        found: list[Transcript] = []
        async with AsyncExitStack() as stack:
            handles: list[tuple[float, WindowHandle]] = []
            for index, window in enumerate(windows):
                if speaks(window):
                    replaces = (id(self), index) if priority is Priority.PARTIAL else None
                    handle = self._desk.submit(window, options, priority, replaces)
                    self._handles.add(handle)
                    stack.callback(self._handles.discard, handle)
                    stack.callback(handle.cancel)
                    handles.append((offset, handle))
                offset += len(window) / SAMPLE_RATE
            for start, handle in handles:
                one = await handle.result()
                if one is None:
                    return None
                found.append(replace(one, warnings=handle.warnings).shifted(start))
        return Transcript.joined(found)


def speaks(samples: Samples) -> bool:
    """Whether there is anything to hear at all."""
    if len(samples) < SHORTEST_S * SAMPLE_RATE:
        return False
    return float(np.abs(samples).max()) > QUIETEST
