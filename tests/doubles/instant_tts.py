"""The TTS service with an engine that costs nothing, so that what is measured is the service.

`python -m tests.doubles.instant_tts` starts it. The engine clones voices, too: a cloned voice hums
at a pitch of its own, so that a test hears which one spoke. What it prepares of a voice is that
pitch.
"""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from functools import partial

import numpy as np

from services.tts.app import build
from services.tts.config import TtsSettings
from services.tts.engines.base import (
    SAMPLE_RATE,
    Arrays,
    EngineInfo,
    Reference,
    Samples,
    SpeechChunk,
    SpeechRequest,
    Voice,
    WordTime,
)
from services.tts.engines.prepared import PreparedVoices
from shared.engine import Kind
from shared.web.server import main

CHAR_S = 0.06
OWN_HZ, FIRST_CLONED_HZ, CLONED_HZ = 220, 300, 700
_PAUSE, _MODEL = "INSTANT_TTS_PAUSE_S", "INSTANT_TTS_MODEL"


def pitch(digest: str) -> int:
    """Hz at which a cloned voice hums."""
    return FIRST_CLONED_HZ + int(digest[:4], 16) % CLONED_HZ


class PitchPreparing:
    """A voice is its pitch in Hz."""

    def __init__(self, model: str) -> None:
        self.preparation = f"instant/{model}/1"
        self.prepared = 0

    def prepare(self, reference: Reference) -> int:
        """The pitch of the recording's digest."""
        self.prepared += 1
        return pitch(reference.digest)

    def to_arrays(self, made: int) -> Arrays:
        """One number."""
        return {"hertz": np.array([made])}

    def from_arrays(self, reference: Reference, arrays: Arrays) -> int:
        """The reverse."""
        if set(arrays) != {"hertz"}:
            raise ValueError(f"{sorted(arrays)} is no pitch")
        return int(arrays["hertz"][0])


class InstantEngine:
    """Hums for 60 ms a character.

    Args:
        pause_s: between two chunks, to stand for an engine that works.
        model: another one prepares voices anew.
    """

    def __init__(self, pause_s: float = 0.0, model: str = "instant") -> None:
        self._pause_s = pause_s
        self.preparing = PitchPreparing(model)
        self._voices = PreparedVoices(self.preparing, limit=8)
        self._hums: dict[int, Samples] = {}
        self.forgotten: list[str] = []

    @property
    def info(self) -> EngineInfo:
        """It can all."""
        return EngineInfo(
            name="instant",
            model="instant",
            kind=Kind.STREAMING,
            capacity=30,
            languages=("en",),
            voices=(Voice("hum", "Hum", ("en",)),),
            default_voice="hum",
            capabilities=frozenset({"clone", "emotion", "language", "word_times"}),
            max_chars=300,
            reason="a test",
        )

    async def start(self) -> None:
        """Nothing to load."""

    async def speak(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        """A chunk of `chunk_size` at a time, with the words that begin in it."""
        hertz = OWN_HZ
        if request.reference is not None:
            hertz = await self._voices.get(request.reference)
        length = request.chunk_size * SAMPLE_RATE // 25
        total = round(len(request.text) * CHAR_S * SAMPLE_RATE)
        for start in range(0, total, length):
            end = min(start + length, total)
            await asyncio.sleep(self._pause_s)
            words = _words(request.text, start / SAMPLE_RATE, end / SAMPLE_RATE)
            yield SpeechChunk(self._hum(hertz)[: end - start], words)

    def _hum(self, hertz: int) -> Samples:
        if hertz not in self._hums:
            time = np.arange(25 * SAMPLE_RATE) / SAMPLE_RATE
            self._hums[hertz] = (0.3 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)
        return self._hums[hertz]

    async def forget(self, voice_id: str) -> None:
        """Note it."""
        self.forgotten.append(voice_id)
        self._voices.forget(voice_id)

    async def aclose(self) -> None:
        """Nothing to stop."""


def _words(text: str, start: float, end: float) -> tuple[WordTime, ...]:
    words, at = [], 0
    for word in text.split(" "):
        if word and start <= at * CHAR_S < end:
            until = at + len(word)
            words.append(WordTime(word, at * CHAR_S, until * CHAR_S, at, until))
        at += len(word) + 1
    return tuple(words)


if __name__ == "__main__":
    made = InstantEngine(float(os.environ.get(_PAUSE, "0")), os.environ.get(_MODEL, "instant"))
    sys.exit(main("tts", TtsSettings, partial(build, engine=made)))
