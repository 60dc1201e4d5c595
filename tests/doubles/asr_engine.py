"""Listening without weights: scripted speech probabilities, an engine that counts words."""

import asyncio
from collections.abc import Sequence

from services.asr.engines.base import (
    SAMPLE_RATE,
    EngineInfo,
    Samples,
    TranscribeOptions,
    Transcript,
    Word,
)
from shared.engine import Kind

WORD_S = 0.25
"""Seconds of audio for which the instant engine says a word."""


class ScriptedDetector:
    """Says one probability after the other, and then silence."""

    def __init__(self, probabilities: Sequence[float] = ()) -> None:
        self._script = list(probabilities)
        self.resets = 0

    def probability(self, frame: Samples) -> float:
        """The next of the script."""
        del frame
        return self._script.pop(0) if self._script else 0.0

    def reset(self) -> None:
        """Count."""
        self.resets += 1


class LevelDetector:
    """Loud is speech: for tests that make their own audio."""

    def probability(self, frame: Samples) -> float:
        """1 for anything above -40 dB."""
        return float(abs(frame).max() > 0.01)

    def reset(self) -> None:
        """Nothing is kept."""


def said(samples: int, settled: float = 0.0) -> Transcript:
    """What the instant engine hears in so many samples: ``w0 w1 w2 …``."""
    count = int(samples / SAMPLE_RATE / WORD_S)
    words = tuple(
        Word(f"w{n}", n * WORD_S, (n + 1) * WORD_S, 0.9)
        for n in range(count)
        if (n + 1) * WORD_S > settled
    )
    text = " ".join(word.word for word in words)
    return Transcript(text, words, language="en", confidence=0.9)


class InstantUtterance:
    """Says a word a quarter of a second, at once."""

    def __init__(self) -> None:
        self._fed = 0
        self._settled = 0.0
        self.closed = False

    def feed(self, samples: Samples) -> None:
        """Count."""
        self._fed += len(samples)

    async def partial(self) -> Transcript:
        """At once, but not in the same step of the loop."""
        await asyncio.sleep(0)
        return said(self._fed, self._settled)

    async def final(self) -> Transcript:
        """The same as a partial."""
        return await self.partial()

    def settle(self, until: float) -> None:
        """Leave out what was settled."""
        self._settled = until

    async def aclose(self) -> None:
        """Remember."""
        self.closed = True


class InstantEngine:
    """An engine that costs nothing, to see what the service costs."""

    def __init__(self, capacity: int = 30) -> None:
        self.info = EngineInfo(
            name="instant",
            model="instant",
            kind=Kind.STREAMING,
            capacity=capacity,
            languages=("en",),
            capabilities=frozenset({"partials", "words"}),
        )
        self.opened: list[InstantUtterance] = []

    async def start(self) -> None:
        """Nothing to load."""

    def open(self, options: TranscribeOptions) -> InstantUtterance:
        """Begin a turn."""
        del options
        self.opened = [each for each in self.opened if not each.closed]
        self.opened.append(InstantUtterance())
        return self.opened[-1]

    async def transcribe(self, samples: Samples, options: TranscribeOptions) -> Transcript:
        """The same words for a file."""
        del options
        return said(len(samples))

    async def aclose(self) -> None:
        """Nothing to unload."""
