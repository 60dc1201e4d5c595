"""The seam between the ASR pipeline and whatever recognises speech.

Three kinds of engine stand behind it. *Batched* ones (whisper) cut nothing and keep
nothing between calls: an utterance gathers its samples and submits whole windows to the
scheduler, where windows of many connections share a step. *Streaming* ones (sphinx) keep
a decoder per utterance. *Remote* ones (openai, deepgram) call an upstream. The pipeline
cannot tell them apart. Beside them stand the two small models that hear turns: the
speech detector and the turn model.

Audio is float32 mono at 16 kHz in [-1, 1]. Times in results are seconds from the first
sample that the utterance was fed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.asr.languages import space
from shared.engine import Kind

SAMPLE_RATE = 16_000
"""Hz, of all audio that engines see."""

FRAME = 512
"""Samples in a frame of speech detection, 32 ms."""

Samples = NDArray[np.float32]
"""float32 [n], mono, 16 kHz, in [-1, 1]."""


class Priority(IntEnum):
    """What goes first when the model is free; lower goes first."""

    FINAL = 0
    PARTIAL = 1
    FILE = 2
    JOB = 3
    """Nobody waits for it."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What an engine says of itself, in ``ready`` and ``/health``."""

    name: str
    """Name in the settings: ``whisper``, ``sphinx``, ``openai``, ``deepgram``."""
    model: str
    """Name of the loaded model."""
    kind: Kind
    capacity: int
    """Live streams that it can carry on this machine."""
    languages: tuple[str, ...]
    """ISO 639-1 codes; empty: unknown (a remote engine decides)."""
    capabilities: frozenset[str]
    """Of ``partials``, ``words``, ``prompt``, ``detect_language``, ``translate``,
    ``temperature``, ``logprobs``."""
    reason: str = ""
    """Why ``auto`` chose it, for the operator."""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word."""

    word: str
    """Without surrounding blanks."""
    start: float
    """Seconds."""
    end: float
    """Seconds."""
    confidence: float
    """Probability in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of a transcript with what Whisper knows of it (OpenAI's verbose_json)."""

    start: float
    end: float
    text: str
    tokens: tuple[int, ...] = ()
    temperature: float = 0.0
    avg_logprob: float = 0.0
    """Mean natural-log probability of the tokens."""
    compression_ratio: float = 1.0
    """Length of the text over its zlib length: high means repetition."""
    no_speech_prob: float = 0.0


@dataclass(frozen=True, slots=True)
class Transcript:
    """The text of some audio."""

    text: str
    words: tuple[Word, ...] = ()
    language: str | None = None
    confidence: float = 0.0
    """Probability in [0, 1], a mean over the words."""
    segments: tuple[Segment, ...] = ()
    token_logprobs: tuple[tuple[str, float], ...] = ()
    """Token text and natural-log probability, where the engine has ``logprobs``."""
    warnings: tuple[tuple[str, str], ...] = ()
    """Code and message of each degradation (smaller model, partial result)."""
    suppressed: str = ""
    """Why text was withheld (``no_speech``, ``loop``), for the metric; empty: it was not."""

    def shifted(self, by: float) -> "Transcript":
        """The same with all times moved by so many seconds."""
        if by == 0:
            return self
        return replace(
            self,
            words=tuple(_moved(word, by) for word in self.words),
            segments=tuple(_moved(segment, by) for segment in self.segments),
        )

    @classmethod
    def joined(cls, parts: Sequence["Transcript"]) -> "Transcript":
        """Successive windows as one; the language is that of the first that has text."""
        if len(parts) == 1:
            return parts[0]
        said = [part for part in parts if part.text]
        weights = [len(part.text) for part in said]
        confidence = sum(part.confidence * n for part, n in zip(said, weights, strict=True))
        return cls(
            text="".join(
                (space(part.language) if n else "") + part.text for n, part in enumerate(said)
            ),
            words=tuple(word for part in said for word in part.words),
            language=next((part.language for part in [*said, *parts] if part.language), None),
            confidence=confidence / sum(weights) if said else 0.0,
            segments=tuple(segment for part in said for segment in part.segments),
            token_logprobs=tuple(pair for part in said for pair in part.token_logprobs),
            warnings=tuple(dict.fromkeys(pair for part in parts for pair in part.warnings)),
            suppressed=next((part.suppressed for part in parts if part.suppressed), ""),
        )


Timed = TypeVar("Timed", Word, Segment)


def _moved(item: Timed, by: float) -> Timed:
    return replace(item, start=round(item.start + by, 3), end=round(item.end + by, 3))


EMPTY = Transcript("")
"""What silence says."""


@dataclass(frozen=True, slots=True)
class TranscribeOptions:
    """How to transcribe."""

    language: str | None = None
    """ISO 639-1; None: detect."""
    task: Literal["transcribe", "translate"] = "transcribe"
    prompt: str | None = None
    """Text that biases the vocabulary."""
    words: bool = True
    """Whether word times are wanted."""
    segments: bool = False
    """Whether the text is to be cut into segments with times of their own."""
    temperature: float = 0.0
    logprobs: bool = False
    background: bool = False
    """Whether nobody waits: a file's windows then come after everybody else's."""
    owner: str = field(default="", compare=False)
    """The connection, for fairness between connections."""


class Utterance(Protocol):
    """One turn being heard. Not safe for two tasks at once."""

    def feed(self, samples: Samples) -> None:
        """Add what was heard next; returns at once."""
        ...

    async def partial(self) -> Transcript | None:
        """The text so far, at low priority.

        Returns:
            None when a newer request replaced this one before it was begun.

        Raises:
            EngineFailed, UpstreamFailed: see ``shared.errors``.
        """
        ...

    async def final(self) -> Transcript:
        """The text of all that was fed, at high priority.

        Asked again without new samples it returns the same result without new work, so
        the one made at a pause serves at the turn's end.
        """
        ...

    def settle(self, until: float) -> None:
        """Take the words that end by ``until`` as said for good.

        Later results hold only what comes after it, in the same times, and the audio
        before it may be forgotten: so a long turn keeps a bounded window.

        Args:
            until: seconds from the first sample fed; never earlier than before.
        """
        ...

    async def aclose(self) -> None:
        """Drop the turn and whatever is still queued for it."""
        ...


class Engine(Protocol):
    """A loaded model, or the way to one, shared by all connections."""

    @property
    def info(self) -> EngineInfo:
        """What it is; may change when it falls back to a smaller model."""
        ...

    async def start(self) -> None:
        """Load.

        Raises:
            EngineUnavailable: with the reason and what to set.
        """
        ...

    def open(self, options: TranscribeOptions) -> Utterance:
        """Begin a turn."""
        ...

    async def transcribe(self, samples: Samples, options: TranscribeOptions) -> Transcript:
        """The text of one window of a file (at most 30 s), at the lowest priority."""
        ...

    async def aclose(self) -> None:
        """Stop; unfinished work fails with ``Draining``."""
        ...


class SpeechDetector(Protocol):
    """Tells speech from everything else, one stream per instance."""

    def probability(self, frame: Samples) -> float:
        """How likely it is that these ``FRAME`` samples, next in the stream, are speech."""
        ...

    def reset(self) -> None:
        """Forget the stream: what comes next does not continue it."""
        ...


class TurnModel(Protocol):
    """Judges whether a speaker who paused has finished; shared by all connections."""

    async def judge(self, samples: Samples) -> float | None:
        """The probability that the turn is complete.

        Args:
            samples: the end of the turn with the pause in it; the last 8 s are looked at.

        Returns:
            None when there was no time to judge it: silence decides then.
        """
        ...
