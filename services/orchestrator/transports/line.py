"""What a session needs of the line to its client."""

from collections.abc import Coroutine
from typing import Any, Protocol

from shared.protocol.base import Message
from shared.protocol.conversation import ConversationClientMessage as Incoming


class Line(Protocol):
    """What is needed of a socket; ``silent_line`` stands in for clients without one."""

    async def receive(self) -> Incoming | bytes:
        """The next message or frame."""
        ...

    async def send(self, message: Message) -> None:
        """Send an event."""
        ...

    async def send_text(self, text: str) -> None:
        """Send an event as it was logged."""
        ...

    async def send_audio(self, audio: bytes) -> None:
        """Send speech."""
        ...

    async def close(self, code: int = 1000) -> None:
        """Close in order."""
        ...

    async def run(self, *work: Coroutine[Any, Any, None]) -> None:
        """Run until the first ends."""
        ...
