"""What a session wants done: the whole vocabulary between it and its adapter."""

from dataclasses import dataclass

from services.asr.engines.base import Samples, TranscribeOptions
from shared.protocol.base import Message


@dataclass(frozen=True, slots=True)
class Open:
    """Open an utterance of the engine for a turn."""

    turn: int
    options: TranscribeOptions


@dataclass(frozen=True, slots=True)
class Feed:
    """Give the turn's utterance what was heard next."""

    turn: int
    samples: Samples


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the turn's utterance for its text; the answer names the same serial."""

    turn: int
    serial: int
    final: bool


@dataclass(frozen=True, slots=True)
class Cancel:
    """What was asked of the turn is not wanted any more."""

    turn: int


@dataclass(frozen=True, slots=True)
class Settle:
    """Words of the turn up to this second need not be heard again."""

    turn: int
    until: float


@dataclass(frozen=True, slots=True)
class Close:
    """Drop the turn's utterance."""

    turn: int


@dataclass(frozen=True, slots=True)
class AskJudgement:
    """Ask the turn model whether the speaker has finished."""

    serial: int
    samples: Samples


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to the client."""

    message: Message


@dataclass(frozen=True, slots=True)
class Flushed:
    """A ``flush`` was worked through."""

    found: bool
    """Whether there was a turn to end."""


@dataclass(frozen=True, slots=True)
class Finish:
    """All finals are sent: close the connection."""


Action = Open | Feed | Ask | Cancel | Settle | Close | AskJudgement | Send | Flushed | Finish
EngineAction = Open | Feed | Ask | Cancel | Settle | Close
