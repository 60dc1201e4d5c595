"""The seam between a conversation and whatever thinks of the reply."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants a function called."""

    call_id: str
    name: str
    arguments: str
    """JSON text, as the model wrote it."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation, as a chat model reads it."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    """What an assistant's message asked for."""
    tool_call_id: str | None = None
    """Which call a tool's message answers."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a model is asked."""

    messages: Sequence[Message]
    """System prompt first, newest last."""
    tools: Sequence[Mapping[str, Any]] = ()
    """Function schemas in OpenAI's form."""
    user: str = ""
    """Opaque name of the session, for the provider's abuse monitoring."""


@dataclass(frozen=True, slots=True)
class Text:
    """Some more of the reply, to be shown and spoken."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The reply is whole."""

    input_tokens: int = 0
    output_tokens: int = 0
    model: str = ""
    tier: str = ""
    """Which of the configured models answered: ``small``, ``large`` or empty."""
    cache: Literal["hit", "miss"] | None = None
    """Whether the answer came from the semantic cache; None: it was not asked."""
    tool_calls: tuple[ToolCall, ...] = ()


Delta = Text | Done


class Mind(Protocol):
    """Thinks of replies."""

    name: str
    """Of the model or the rule, for ``session`` and ``/health``."""

    def reply(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Stream a reply; :class:`Done` comes last. Closing the generator cancels.

        Raises:
            UpstreamFailed: the model's server failed; nothing more comes.
            DeadlineExceeded: it was too slow.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections."""
        ...
