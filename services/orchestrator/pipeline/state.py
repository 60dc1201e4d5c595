"""The states of a conversation, and the only ways from one to another.

The picture in ``docs/architecture.md`` is made from :data:`TRANSITIONS` by ``make docs``.
"""

from enum import Enum


class State(Enum):
    """What the assistant is doing; sent to the client as ``state.value``."""

    IDLE = "idle"
    """Nobody speaks and nothing is under way."""
    LISTENING = "listening"
    """The user speaks."""
    THINKING = "thinking"
    """The user's turn is over and no sound of the reply has been sent."""
    SPEAKING = "speaking"
    """The reply is being heard."""
    INTERRUPTED = "interrupted"
    """The reply has just been cut."""
    ERROR = "error"
    """The turn failed; an apology may follow."""


TRANSITIONS: dict[State, dict[State, str]] = {
    State.IDLE: {
        State.LISTENING: "speech starts",
        State.THINKING: "text arrives",
        State.ERROR: "a service fails",
    },
    State.LISTENING: {
        State.IDLE: "nothing was said",
        State.THINKING: "the turn ends",
        State.ERROR: "a service fails",
    },
    State.THINKING: {
        State.SPEAKING: "first audio",
        State.INTERRUPTED: "the speaker goes on, or the client interrupts",
        State.IDLE: "there is nothing to say",
        State.ERROR: "LLM or TTS fails",
    },
    State.SPEAKING: {
        State.IDLE: "the reply has been heard",
        State.INTERRUPTED: "an interruption is certain",
        State.ERROR: "LLM or TTS fails",
    },
    State.INTERRUPTED: {
        State.LISTENING: "the user is speaking",
        State.IDLE: "nobody speaks",
        State.THINKING: "the turn has ended",
        State.ERROR: "a service fails",
    },
    State.ERROR: {
        State.IDLE: "the failure was told",
        State.LISTENING: "speech starts",
        State.THINKING: "the next turn",
        State.SPEAKING: "the apology is spoken",
        State.INTERRUPTED: "nobody waits for the apology",
    },
}
"""Where each state may lead, and what leads there."""


class IllegalTransition(Exception):
    """The dialogue tried a way that the table does not have: a bug."""


def checked(old: State, new: State) -> State:
    """``new``, when the table allows it from ``old``.

    Raises:
        IllegalTransition: naming both.
    """
    if new not in TRANSITIONS[old]:
        raise IllegalTransition(f"{old.value} -> {new.value}")
    return new


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> idle"]
    for old, ways in TRANSITIONS.items():
        lines += [f"    {old.value} --> {new.value}: {why}" for new, why in ways.items()]
    return "\n".join(lines)
