"""The transcript of a session that asked for one: what each side said, and what was heard."""

from datetime import datetime
from typing import Literal

from shared.protocol.base import Message
from shared.protocol.conversation import ReplyDone, TranscriptEvent


class TranscriptLine(Message):
    """What one side said in one turn."""

    at: str
    """ISO 8601, UTC."""
    turn_id: str
    role: Literal["user", "assistant"]
    text: str
    heard_text: str | None = None
    """What the user heard of a reply that was interrupted."""


def spoken(event: TranscriptEvent | ReplyDone, at: datetime) -> str:
    """The line of an event, as JSON."""
    user = isinstance(event, TranscriptEvent)
    return TranscriptLine(
        at=at.isoformat(timespec="milliseconds"),
        turn_id=event.turn_id,
        role="user" if user else "assistant",
        text=event.text,
        heard_text=event.heard_text if isinstance(event, ReplyDone) else None,
    ).wire()
