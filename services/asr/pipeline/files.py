"""Transcribing a recording: decoded in pieces, cut at pauses, many windows at a time.

At most a few windows of it exist at once, whatever its length. They go to the engine at
the lowest priority, where live speakers come first and ageing lets the file end.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import islice
from typing import BinaryIO, TypeVar

import numpy as np

from services.asr.engines.base import (
    EMPTY,
    Engine,
    Samples,
    Segment,
    SpeechDetector,
    TranscribeOptions,
    Transcript,
)
from services.asr.pipeline.cutter import Cutter, Piece
from shared.audio.decode import AudioFile

T = TypeVar("T")

BLOCKS = 20
"""Seconds of sound decoded in one go off the event loop."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What is to be transcribed, and how."""

    file: BinaryIO
    options: TranscribeOptions
    max_seconds: float
    """A longer one is refused."""


@dataclass(frozen=True, slots=True)
class FileResult:
    """A whole recording's text."""

    transcript: Transcript
    seconds: float
    """Length of the recording."""
    damaged: bool = False
    """Part of the file could not be decoded."""


class FileTranscriber:
    """Works on one recording after another or on several; keeps nothing of them."""

    def __init__(
        self,
        engine: Engine,
        open_detector: Callable[[], SpeechDetector],
        *,
        at_once: int = 8,
        on_suppressed: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Set up.

        Args:
            engine: hears the windows.
            open_detector: a fresh speech detector for each recording.
            at_once: windows of one recording that wait for the engine or run.
            on_suppressed: told why text of a window was withheld.
        """
        self._engine = engine
        self._open_detector = open_detector
        self._at_once = at_once
        self._on_suppressed = on_suppressed

    async def whole(self, recording: Recording) -> FileResult:
        """The text of the whole recording.

        Raises:
            InvalidRequest, TooLarge: see :class:`AudioFile`.
            ParleyError: the engine's own.
        """
        async with aclosing(self.parts(recording)) as stream:
            parts = [part async for part in stream]
        last = parts[-1]
        return replace(last, transcript=Transcript.joined([part.transcript for part in parts]))

    async def parts(self, recording: Recording) -> AsyncGenerator[FileResult]:
        """The text window by window, in order, in the recording's times.

        The last result may be empty; it has the recording's true length. Closing the
        iterator cancels what is still queued.
        """
        reader = await _in_thread(lambda: _Reader(recording, self._open_detector()))
        windows: deque[asyncio.Task[Transcript]] = deque()
        options = recording.options
        try:
            while not reader.over:
                for piece in await _in_thread(reader.read):
                    windows.append(asyncio.create_task(self._hear(piece, options)))
                    if options.language is None or len(windows) >= self._at_once:
                        part = await windows.popleft()
                        options = replace(options, language=options.language or _language(part))
                        yield FileResult(part, reader.seconds)
            while windows:
                yield FileResult(await windows.popleft(), reader.seconds)
            yield FileResult(EMPTY, reader.seconds, reader.damaged)
        finally:
            for window in windows:
                window.cancel()
            await asyncio.gather(*windows, return_exceptions=True)
            reader.close()

    async def _hear(self, piece: Piece, options: TranscribeOptions) -> Transcript:
        found = await self._engine.transcribe(piece.samples, options)
        if found.suppressed:
            self._on_suppressed(found.suppressed)
        return _segmented(found, piece).shifted(piece.start)


class _Reader:
    """Decodes and cuts, some seconds at a time. Its methods block."""

    def __init__(self, recording: Recording, detector: SpeechDetector) -> None:
        self._audio = AudioFile(recording.file, max_seconds=recording.max_seconds)
        self._blocks: Iterator[Samples] = self._audio.blocks()
        self._cutter = Cutter(detector)
        self.over = False
        """Whether the recording was read to its end."""

    @property
    def seconds(self) -> float:
        """Length of what was decoded so far."""
        return self._audio.seconds

    @property
    def damaged(self) -> bool:
        """Known at the end."""
        return self._audio.damaged

    def read(self) -> list[Piece]:
        """Decode the next seconds; the windows that they complete."""
        blocks = list(islice(self._blocks, BLOCKS))
        if blocks:
            return self._cutter.feed(np.concatenate(blocks))
        self.over = True
        return self._cutter.flush()

    def close(self) -> None:
        """Free the decoder."""
        self._audio.close()


async def _in_thread(work: Callable[[], T]) -> T:
    """Run it off the loop; a cancelled caller still waits for its end, then leaves."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        raise


def _segmented(found: Transcript, piece: Piece) -> Transcript:
    """An engine that knows no segments has one a window."""
    if found.segments or not found.text:
        return found
    words = found.words
    start, end = (words[0].start, words[-1].end) if words else (0.0, piece.end - piece.start)
    return replace(found, segments=(Segment(start, end, found.text),))


def _language(part: Transcript) -> str | None:
    """What the whole file is taken to be in: the language of its first words."""
    return part.language if part.text else None
