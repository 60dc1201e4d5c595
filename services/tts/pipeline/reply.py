"""One request being spoken: the engine works ahead while the route sends."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Self

from services.tts.pipeline.assembly import Piece
from services.tts.pipeline.playout import Playout
from services.tts.pipeline.speech import Speaker
from services.tts.pipeline.utterance import Spoken, Utterance
from shared.errors import ParleyError


class Reply:
    """Pieces of one request, in order. Enter it, iterate over `pieces`, and say `sent` after each.

    Leaving the context cancels whatever is unfinished, before the engine's next step.
    """

    def __init__(self, utterance: Utterance, speaker: Speaker, playout: Playout) -> None:
        self.utterance = utterance
        self.speaker = speaker
        self.cancelled = False
        self._failure: ParleyError | None = None
        self._playout = playout
        self._text = asyncio.Event()
        self._producer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._producer = asyncio.create_task(self._produce())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.utterance.close()
        if self._producer is not None:
            self._producer.cancel()
            await asyncio.gather(self._producer, return_exceptions=True)
        await self._playout.drop()

    def more(self) -> None:
        """The utterance has got text, or its end."""
        self._text.set()

    async def cancel(self) -> None:
        """Speak no more of it; the iteration ends after the piece that is being sent."""
        self.cancelled = True
        self.utterance.close()
        if self._producer is not None:
            self._producer.cancel()
        await self._playout.drop()

    async def fail(self, error: ParleyError) -> None:
        """End it with an error, from outside (its voice was deleted)."""
        self._failure = error
        if self._producer is not None:
            self._producer.cancel()
        await self._playout.drop()

    async def sent(self, piece: Piece) -> None:
        """The piece has left."""
        await self._playout.sent(piece)

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """The pieces as they are made.

        Raises:
            ParleyError: the engine or the text failed; what was made before it was given out.
        """
        while (piece := await self._playout.get()) is not None:
            yield piece
        if self._failure is not None:
            raise self._failure
        if not self.cancelled and self._producer is not None:
            await self._producer

    async def _produce(self) -> None:
        try:
            while (clause := await self._next()) is not None:
                await self.speaker.speak(clause, self._playout)
            await self.speaker.finish(self._playout)
        finally:
            self._playout.close()

    async def _next(self) -> Spoken | None:
        while (clause := self.utterance.next()) is None:
            if self.utterance.exhausted:
                return None
            self._text.clear()
            await self._text.wait()
        return clause
