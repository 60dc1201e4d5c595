"""What a dialogue wants done; the adapter does it and nothing else."""

from dataclasses import dataclass

from services.orchestrator.llm.base import Role
from shared.protocol.base import Message


@dataclass(frozen=True, slots=True)
class Tell:
    """Send the client an event."""

    message: Message


@dataclass(frozen=True, slots=True)
class Play:
    """Send the client audio of the reply."""

    generation: int
    pcm: bytes
    """s16le mono at 24 kHz."""


@dataclass(frozen=True, slots=True)
class Think:
    """Start the model on a reply, whether or not the turn is confirmed."""

    generation: int
    said: str
    """The user's words of this turn, not yet in the history."""


@dataclass(frozen=True, slots=True)
class Say:
    """Give the synthesiser a clause."""

    generation: int
    text: str


@dataclass(frozen=True, slots=True)
class EndSaying:
    """The synthesiser has been given all of the reply."""

    generation: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Cancel model and synthesiser of a generation, at once."""

    generation: int


@dataclass(frozen=True, slots=True)
class Fill:
    """The reply is late: bring a filler, if one is ready."""

    generation: int


@dataclass(frozen=True, slots=True)
class Remember:
    """Add to the history."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Count:
    """Something the operator counts."""

    what: str
    """Name of a counter or histogram in :mod:`services.orchestrator.metrics`."""
    value: float = 1.0


Action = Tell | Play | Think | Say | EndSaying | Stop | Fill | Remember | Count
