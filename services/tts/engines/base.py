"""The seam between the TTS pipeline and whatever speaks.

Three kinds of engine stand behind it: *batched* ones (chatterbox) share steps of one
model through the scheduler, *streaming* ones (espeak, kokoro) work clause by clause on
their own thread, *remote* ones (openai, elevenlabs) call an upstream.

Audio is float32 mono at 24 kHz in [-1, 1]. Times are seconds from the request's first
sample; character offsets count in the request's text.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from shared.engine import Kind

SAMPLE_RATE = 24_000
"""Hz, of all audio that engines make."""
TOKENS_PER_SECOND = 25
"""Speech tokens a second; ``chunk_size`` counts them, 40 ms each, on every engine."""

Samples = NDArray[np.float32]
"""float32 [n], mono, 24 kHz, in [-1, 1]."""


Arrays = Mapping[str, NDArray[Any]]
"""What an engine has prepared of a voice, by names that the engine chose."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice that may be asked for."""

    voice_id: str
    name: str
    languages: tuple[str, ...]
    """ISO 639-1 codes."""
    cloned: bool = False
    """Registered by a client."""


class Shelf(Protocol):
    """Keeps what engines prepared of one voice, for as long as the voice is registered.

    A preparation is named after all that went into it but the recording (engine, model,
    version): what was prepared under another name is not found.
    """

    async def load(self, preparation: str) -> Arrays | None:
        """What was kept; None where there is none that can be trusted."""
        ...

    async def save(self, preparation: str, arrays: Arrays) -> None:
        """Keep it; a failure is told in the log, and costs another preparation one day."""
        ...


@dataclass(frozen=True, slots=True)
class Reference:
    """What a cloned voice is made from."""

    voice_id: str
    digest: str
    """SHA-256 of the samples: changes when the voice is replaced, so caches key on it."""
    samples: Samples
    shelf: Shelf | None = field(default=None, compare=False)
    """None: nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What an engine says of itself, in ``ready`` and ``/health``."""

    name: str
    model: str
    kind: Kind
    capacity: int
    """Requests that it can speak at once without falling behind real time."""
    languages: tuple[str, ...]
    voices: tuple[Voice, ...]
    default_voice: str
    capabilities: frozenset[str]
    """Of ``emotion``, ``speed``, ``language``, ``clone``, ``word_times``, ``instructions``."""
    native_speeds: tuple[float, float] = (0.25, 4.0)
    """Slowest and fastest of an engine with the ``speed`` capability; the pipeline stretches
    time for what lies beyond."""
    max_chars: int = 500
    """Longest text that one ``speak`` takes safely; the pipeline cuts at clause ends."""
    reason: str = ""
    """Why ``auto`` chose it, for the operator."""


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """One text to be spoken, at most ``EngineInfo.max_chars`` long."""

    text: str
    voice_id: str
    language: str | None = None
    """ISO 639-1; None: the voice's own."""
    speed: float = 1.0
    """Only for engines with the capability; the pipeline stretches time otherwise."""
    emotion: float = 0.5
    """Exaggeration 0–1."""
    chunk_size: int = 50
    """Speech tokens (40 ms) a chunk; the first may be smaller."""
    whole: bool = False
    """Whether nobody hears any of it before all is made: chunks may be as long as is cheapest."""
    seed: int | None = None
    instructions: str | None = None
    reference: Reference | None = None
    """Set for a cloned voice."""
    owner: str = field(default="", compare=False)
    """The connection, for fairness between connections."""
    first: bool = True
    """Whether somebody waits for the first sound of a reply (goes before later clauses)."""
    ahead: bool = False
    """Whether its listener has seconds of sound in store (lets everybody else go first)."""
    deadline: float | None = None
    """Clock time after which nobody wants the result."""


@dataclass(frozen=True, slots=True)
class WordTime:
    """When a word is spoken."""

    word: str
    start: float
    end: float
    text_start: int
    """Offset of its first character in the request's text."""
    text_end: int
    estimated: bool = False
    """Spread over the audio by length instead of told by the engine."""


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """Some audio, in order, and the words that begin in it."""

    samples: Samples
    words: tuple[WordTime, ...] = ()
    warnings: tuple[tuple[str, str], ...] = ()
    """Code and message of each degradation (smaller batch, hard cut of a runaway)."""


class Engine(Protocol):
    """A loaded model, or the way to one, shared by all connections."""

    @property
    def info(self) -> EngineInfo:
        """What it is; voices registered by clients are not among its ``voices``."""
        ...

    async def start(self) -> None:
        """Load.

        Raises:
            EngineUnavailable: with the reason and what to set.
        """
        ...

    def speak(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        """Speak; chunks come as they are made.

        Closing the generator cancels: nothing more is made for it from the model's next
        step on. An engine makes at most a few seconds more than was taken.

        Raises:
            NotFound: unknown voice. EngineFailed, UpstreamFailed: see ``shared.errors``.
        """
        ...

    async def forget(self, voice_id: str) -> None:
        """Drop what is in memory of a cloned voice."""
        ...

    async def aclose(self) -> None:
        """Stop; unfinished requests fail with ``Draining``."""
        ...
