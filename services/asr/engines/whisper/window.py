"""One window of audio to transcribe, and what is known while it is being done."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from services.asr.engines.base import SAMPLE_RATE, Samples

WINDOW_S = 30.0
"""Whisper hears at most this much at once, in seconds."""

HOP = 160
"""Samples between two log-mel frames."""

FULL_FRAMES = 3000
"""Log-mel frames of 10 ms in 30 s."""

SHORT_TEXT_S = 8.0
"""Windows up to this long get a smaller limit of tokens."""

LADDER = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Temperatures tried one after the other while the text looks broken."""

Features = NDArray[np.float32]
"""float32 [mels, frames], log-mel as Whisper wants it."""


@dataclass(frozen=True, slots=True)
class Window:
    """What one job of the model asks for."""

    samples: Samples
    """At most `WINDOW_S`."""
    language: str | None = None
    """ISO 639-1; None: detect."""
    task: Literal["transcribe", "translate"] = "transcribe"
    prompt: tuple[int, ...] = ()
    """Tokens of previous text."""
    words: bool = True
    timestamps: bool = False
    """Whether the model writes timestamp tokens, which cut the text into segments."""
    logprobs: bool = False
    temperatures: tuple[float, ...] = (0.0,)
    """Tried in order until the text is good; the first alone for partials."""
    beam: int = 1
    frames: int = FULL_FRAMES
    """Frames encoded; fewer than `FULL_FRAMES` where the setting allows it."""

    @property
    def seconds(self) -> float:
        """Length of the audio."""
        return len(self.samples) / SAMPLE_RATE

    @property
    def max_tokens(self) -> int:
        """Longest text, in tokens: Whisper's own 224, less where little can be said."""
        return 128 if self.seconds <= SHORT_TEXT_S else 224


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One decoding of a window."""

    tokens: tuple[int, ...]
    """Text and timestamp tokens, without prompt and end."""
    text: str
    avg_logprob: float
    """Mean natural-log probability of the tokens."""
    no_speech_prob: float
    compression_ratio: float
    temperature: float
    looped: bool = False
    """Whether repetitions were cut out of it."""


@dataclass(slots=True)
class Progress:
    """A job between two steps; the model's own, never seen by others."""

    features: Features
    language: str | None
    language_probability: float = 1.0
    tried: list[Hypothesis] = field(default_factory=list)

    def temperature(self, window: Window) -> float:
        """The temperature of the next try."""
        return window.temperatures[min(len(self.tried), len(window.temperatures) - 1)]
