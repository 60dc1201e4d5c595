"""What replicas tell each other about a session, over the bus."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from shared.protocol.base import Message


class Taken(Message):
    """A connection holds the session now; every other lets go."""

    type: Literal["taken"] = "taken"
    by: str


class Released(Message):
    """Who held the session has written its last event and lets go."""

    type: Literal["released"] = "released"
    by: str


class Erased(Message):
    """The session is no more."""

    type: Literal["erased"] = "erased"


class Said(Message):
    """A client's message that came by HTTP, for whoever holds the session."""

    type: Literal["said"] = "said"
    text: str
    """The message as JSON."""


Notice = Annotated[Taken | Released | Erased | Said, Field(discriminator="type")]
NOTICE: TypeAdapter[Notice] = TypeAdapter(Notice)


def channel(session_id: str) -> str:
    """Where a session's notices are published."""
    return f"session:{session_id}"
