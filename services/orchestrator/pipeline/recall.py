"""One conversation's use of the answer cache: its first turn only, and never with tools."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

from services.orchestrator.pipeline.cache import Answer, AnswerCache, Scope
from services.orchestrator.pipeline.history import History
from services.orchestrator.pipeline.ports import Piece, Speech
from shared.errors import ParleyError

log = logging.getLogger(__name__)


_PATIENCE_S = 1.2
"""A lookup that takes longer saves nothing; most take a millisecond, or an embedding."""


class Setting(Protocol):
    """What an answer depends on; a client may change it before its first turn."""

    @property
    def history(self) -> History:
        """With the system prompt."""
        ...

    @property
    def speech(self) -> Speech:
        """With the voice."""
        ...


class Recall:
    """Looks a question up, and keeps a new answer."""

    def __init__(self, cache: AnswerCache, *, owner: str, model: str, session_id: str) -> None:
        self._cache = cache
        self._owner = owner
        self._model = model
        self._session_id = session_id

    def _scope(self, setting: Setting) -> Scope:
        speech = setting.speech
        prompt = setting.history.system
        return Scope(self._owner, prompt, self._model, speech.voice_id, speech.language)

    async def find(self, setting: Setting, said: str) -> Answer | None:
        """The kept answer; None also when the cache is away."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._cache.find(self._scope(setting), said)
        except (ParleyError, TimeoutError):
            log.warning("the answer cache is away or slow")
            return None

    async def keep(self, setting: Setting, said: str, text: str, pieces: list[Piece]) -> None:
        """Keep an answer that was made to its end."""
        answer = Answer(text, pieces)
        try:
            await self._cache.keep(self._scope(setting), said, answer, self._session_id)
        except ParleyError as error:
            log.warning("an answer was not kept", extra={"code": error.code})


class Recorded:
    """A voice that plays what it said before."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def speak(self, text: AsyncIterator[str]) -> AsyncGenerator[Piece, None]:
        """The kept pieces, once their text is given."""
        async for _ in text:
            break
        for piece in self._answer.pieces:
            yield piece
