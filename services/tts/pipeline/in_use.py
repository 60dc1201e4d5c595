"""Which requests speak with which registered voice, so that they end when it is deleted."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from services.tts.pipeline.reply import Reply
from shared.errors import NotFound


class InUse:
    """The running requests of each registered voice."""

    def __init__(self) -> None:
        self._replies: dict[str, set[Reply]] = {}

    @contextmanager
    def held(self, reply: Reply) -> Iterator[None]:
        """The reply runs while the context lasts."""
        voice_id = reply.utterance.options.voice.voice_id
        self._replies.setdefault(voice_id, set()).add(reply)
        try:
            yield
        finally:
            self._replies[voice_id].discard(reply)
            if not self._replies[voice_id]:
                del self._replies[voice_id]

    async def end(self, voice_id: str) -> None:
        """The voice is gone: its requests fail now."""
        error = NotFound(f"voice {voice_id!r} was deleted", param="voice")
        replies = list(self._replies.get(voice_id, ()))
        await asyncio.gather(*(reply.fail(error) for reply in replies))
