"""The place of a socket for a client that speaks over HTTP."""

import asyncio
from collections.abc import Coroutine
from typing import Any, NoReturn

from shared.protocol.base import Message
from shared.web.first import first_of


class SilentLine:
    """Sends nothing: the client reads the session's log. Hears nothing: it posts messages."""

    async def receive(self) -> NoReturn:
        """Wait for ever."""
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: Message) -> None:
        """The event is in the log already."""

    async def send_text(self, text: str) -> None:
        """Likewise."""

    async def send_audio(self, audio: bytes) -> None:
        """Audio needs a socket."""

    async def close(self, code: int = 1000) -> None:
        """Nothing to close."""

    async def run(self, *work: Coroutine[Any, Any, None]) -> None:
        """Run until the first ends."""
        await first_of(*work)
