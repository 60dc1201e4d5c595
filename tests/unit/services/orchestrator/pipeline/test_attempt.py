"""One reply in the making: what stops it, and which answers are kept for others."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, cast

from services.orchestrator.llm.base import ChatRequest, Delta, Message, Text
from services.orchestrator.metrics import OrchestratorMetrics
from services.orchestrator.pipeline import events
from services.orchestrator.pipeline.attempt import Attempt
from services.orchestrator.pipeline.cache import Answer
from services.orchestrator.pipeline.dialogue import Dialogue
from services.orchestrator.pipeline.fillers import Fillers
from services.orchestrator.pipeline.history import History
from services.orchestrator.pipeline.options import Options
from services.orchestrator.pipeline.parts import Parts
from services.orchestrator.pipeline.ports import Outlet, Piece
from services.orchestrator.pipeline.recall import Recall
from services.orchestrator.pipeline.thinking import Thinking
from shared.clock import SystemClock
from shared.errors import UpstreamFailed
from tests.bench.conversation.inprocess import Ears, Mind, Voice
from tests.bench.conversation.script import REPLY


class Failing(Mind):
    """Begins, and goes away."""

    async def reply(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Half a sentence."""
        del request
        yield Text("Well, ")
        raise UpstreamFailed("the LLM went away")


class Kept:
    """An answer cache that knows nothing yet."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: list[str] = []

    async def find(self, setting: object, said: str) -> Answer | None:
        """Nothing."""
        del setting
        self.asked.append(said)
        return None

    async def keep(self, setting: object, said: str, text: str, pieces: Sequence[Piece]) -> None:
        """Note the text."""
        del setting, said
        assert pieces
        self.answers.append(text)


class Bench:
    """An attempt, and what came of it."""

    def __init__(self, mind: Mind, past: Sequence[Message] = ()) -> None:
        self.kept = Kept()
        self.happened: list[Any] = []
        self.room = asyncio.Event()
        self.room.set()
        self.parts = Parts(
            dialogue=Dialogue(Options()),
            hearing=Ears(),
            speech=Voice(),
            thinking=Thinking(mind, None, ""),
            history=History("", budget=1000, messages=past),
            outlet=cast("Outlet", None),
            fillers=Fillers(),
            clock=SystemClock(),
            metrics=OrchestratorMetrics(),
            recall=cast("Recall", self.kept),
        )

    def attempt(self, group: asyncio.TaskGroup) -> Attempt:
        made = Attempt(1, self.parts, self.happened.append, group, self.room)
        made.think("Hello")
        return made

    async def until(self, kind: type) -> None:
        await until(lambda: any(isinstance(event, kind) for event in self.happened))

    async def spoken(self, ends: type, text: str) -> None:
        """Think, speak, and be done."""
        async with asyncio.TaskGroup() as group:
            attempt = self.attempt(group)
            await self.until(ends)
            attempt.say(text)
            attempt.end_saying()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


async def test_the_answer_to_a_first_turn_is_kept() -> None:
    bench = Bench(Mind())
    await bench.spoken(events.MindDone, "".join(REPLY))
    assert (bench.kept.asked, bench.kept.answers) == (["Hello"], ["".join(REPLY)])


async def test_an_apology_is_kept_for_nobody() -> None:
    bench = Bench(Failing())
    await bench.spoken(events.MindFailed, "Well, sorry.")
    assert bench.kept.answers == []


async def test_later_turns_are_neither_looked_up_nor_kept() -> None:
    bench = Bench(Mind(), [Message("user", "Hi"), Message("assistant", "Hello.")])
    await bench.spoken(events.MindDone, "".join(REPLY))
    assert (bench.kept.asked, bench.kept.answers) == ([], [])


async def test_all_clauses_of_a_reply_are_one_request_to_the_voice() -> None:
    bench = Bench(Mind())
    async with asyncio.TaskGroup() as group:
        attempt = bench.attempt(group)
        await bench.until(events.MindDone)
        attempt.say("One.")
        attempt.say("Two.")
        attempt.end_saying()
    assert sum(isinstance(event, events.SpeechDone) for event in bench.happened) == 1


async def test_a_stopped_attempt_says_no_more() -> None:
    bench = Bench(Mind())
    bench.room.clear()
    async with asyncio.TaskGroup() as group:
        attempt = bench.attempt(group)
        await bench.until(events.MindDone)
        attempt.say("One. Two. Three.")
        for _ in range(20):
            await asyncio.sleep(0)
        attempt.stop()
        bench.room.set()
    assert not [event for event in bench.happened if isinstance(event, events.SpeechMade)]
    assert bench.kept.answers == []
