"""What a tool is, and what comes of calling one."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol


class Kind(Enum):
    """How the conversation waits for a tool."""

    SYNCHRONOUS = "synchronous"
    """The reply waits for the result."""
    ASYNCHRONOUS = "asynchronous"
    """It is acknowledged at once; the result is spoken when it comes."""
    STREAMING = "streaming"
    """It tells how far it is; the reply waits for the result, which comes last."""


class ToolError(Exception):
    """What went wrong, in words that the model may repeat to the user."""


class TemporaryToolError(ToolError):
    """The same call may succeed in a moment."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A tool that runs long says how far it is."""

    message: str
    spoken: bool = False
    """Say it aloud; else it is only shown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A tool has ended."""

    content: str
    """For the model: the result as JSON, or what went wrong in words."""
    result: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Announcement:
    """The result of an asynchronous tool, to be told when nobody speaks."""

    call_id: str
    text: str
    """What the model is told, as if the user had said it."""


class Call(Protocol):
    """The model wants a tool called."""

    @property
    def call_id(self) -> str:
        """Ties call, progress and result together, in events and logs."""
        ...

    @property
    def name(self) -> str:
        """Of the tool."""
        ...

    @property
    def arguments(self) -> str:
        """JSON text, as the model wrote it."""
        ...


Run = Callable[[Mapping[str, Any], str], AsyncIterator[Any]]
"""Takes the arguments and the call's id; yields any number of :class:`Progress`, then the
result."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call."""

    name: str
    """Letters, digits, ``_`` and ``-``; at most 64."""
    description: str
    parameters: Mapping[str, Any]
    """JSON schema of the arguments, an object."""
    run: Run
    kind: Kind = Kind.SYNCHRONOUS
    timeout_s: float = 10.0
    """Longest wait for the result, or for the next progress."""
    idempotent: bool = False
    """Calling it twice does no harm: a temporary failure is tried again."""
    phrase: str | None = None
    """Said when it takes long: "I am looking that up.\""""

    def schema(self) -> dict[str, Any]:
        """In OpenAI's form."""
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": dict(self.parameters),
        }
        return {"type": "function", "function": function}
