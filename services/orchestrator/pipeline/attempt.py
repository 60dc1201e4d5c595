"""The tasks behind one generation: a model that writes, a voice that speaks."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from services.orchestrator.llm.base import Done, Message
from services.orchestrator.pipeline import events
from services.orchestrator.pipeline.parts import Parts
from services.orchestrator.pipeline.ports import Piece
from services.orchestrator.pipeline.recall import Recorded
from services.orchestrator.pipeline.saying import Saying
from shared.errors import ParleyError

log = logging.getLogger(__name__)


class _Voice(Protocol):
    def speak(self, text: AsyncIterator[str]) -> AsyncGenerator[Piece, None]: ...


class Attempt:
    """One reply in the making; what comes of it goes to ``happen`` under its generation."""

    def __init__(
        self,
        generation: int,
        parts: Parts,
        happen: Callable[[object], None],
        group: asyncio.TaskGroup,
        room: asyncio.Event,
    ) -> None:
        self._generation = generation
        self._parts = parts
        self._happen = happen
        self._group = group
        self._room = room
        self._saying = Saying()
        self._voice: _Voice = parts.speech
        self._tasks: list[asyncio.Task[None]] = []
        self._speaking = False
        self._said = ""
        self._text = ""
        self._worth_keeping = False
        self.confirmed = asyncio.Event()
        """Set when the user's turn is certain."""

    def think(self, said: str) -> None:
        """Start the model on the user's words."""
        history, recall = self._parts.history, self._parts.recall
        first = not history.messages and not self._parts.thinking.with_tools
        self._said = said
        past = history.asked(Message("user", said))
        work = self._remembered(past) if recall and first else self._thought(past)
        self._tasks.append(self._group.create_task(work))

    def say(self, text: str) -> None:
        """Give the voice one more clause."""
        self._saying.put(text)
        if not self._speaking:
            self._speaking = True
            self._tasks.append(self._group.create_task(self._spoken()))

    def end_saying(self) -> None:
        """The voice has been given all."""
        self._saying.end()

    def stop(self) -> None:
        """Cancel model and voice."""
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()

    async def _remembered(self, past: list[Message]) -> None:
        """Answer as somebody was answered before, or think and keep the answer."""
        recall = self._parts.recall
        answer = await recall.find(self._parts, self._said) if recall else None
        if answer is None:
            self._worth_keeping = True
            await self._thought(past)
            return
        self._voice = Recorded(answer)
        self._happen(events.MindSaid(self._generation, answer.text))
        self._happen(events.MindDone(self._generation, Done(cache="hit")))

    async def _thought(self, past: list[Message]) -> None:
        generation = self._generation
        try:
            async with aclosing(self._parts.thinking.reply(past, self.confirmed)) as thoughts:
                async for thought in thoughts:
                    if isinstance(thought, str):
                        self._text += thought
                        self._happen(events.MindSaid(generation, thought))
                    elif isinstance(thought, Done):
                        if self._worth_keeping:
                            thought = replace(thought, cache="miss")  # noqa: PLW2901
                        self._happen(events.MindDone(generation, thought))
                    else:
                        self._happen(events.MindTold(generation, thought))
        except ParleyError as error:
            self._worth_keeping = False
            log.warning("the model failed", extra={"code": error.code})
            self._happen(events.MindFailed(generation, error))

    async def _spoken(self) -> None:
        made: list[Piece] = []
        try:
            async with aclosing(self._voice.speak(self._saying)) as pieces:
                async for piece in pieces:
                    await self._room.wait()
                    if self._worth_keeping:
                        made.append(piece)
                    self._happen(events.SpeechMade(self._generation, piece.pcm, piece.spoken))
            self._happen(events.SpeechDone(self._generation))
            if self._worth_keeping and self._parts.recall is not None:
                await self._parts.recall.keep(self._parts, self._said, self._text, made)
        except ParleyError as error:
            log.warning("the synthesiser failed", extra={"code": error.code})
            self._happen(events.SpeechFailed(self._generation, error))
