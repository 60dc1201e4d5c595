"""A model and the tools that it calls: when they run, what it reads of them, and how often."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any

from services.orchestrator.llm.base import ChatRequest, Delta, Done, Message, Text, ToolCall
from services.orchestrator.pipeline.thinking import Thinking, Thought
from services.orchestrator.tools.base import Announcement, Outcome, Progress
from shared.protocol import conversation

CALL = ToolCall("1", "book", '{"people": 2}')
PAST = [Message("user", "Book a table")]


class Calling:
    """A mind that calls a tool, so many times, and then answers."""

    name = "calling"

    def __init__(self, rounds: int) -> None:
        self.asked: list[Sequence[Message]] = []
        self._rounds = rounds

    async def reply(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        self.asked.append(tuple(request.messages))
        yield Text("Let me see. ")
        calls = (CALL,) if len(self.asked) <= self._rounds else ()
        yield Done(input_tokens=10, output_tokens=1, tool_calls=calls)

    async def aclose(self) -> None:
        """Nothing is held."""


class Booking:
    """One tool, which says how far it is."""

    def __init__(self) -> None:
        self.calls = 0

    def schemas(self) -> Sequence[Mapping[str, Any]]:
        return ({"name": "book"},)

    async def call(self, call: ToolCall) -> AsyncGenerator[Progress | Outcome, None]:
        del call
        self.calls += 1
        yield Progress("looking")
        yield Outcome("booked", result="ok")

    def settle(self, result: conversation.ToolResult) -> None:
        raise AssertionError("no tool here is run by a client")

    async def announcements(self) -> AsyncIterator[Announcement]:
        return
        yield


async def thoughts(mind: Calling, tools: Booking, confirmed: asyncio.Event) -> list[Thought | Done]:
    return [thought async for thought in Thinking(mind, tools, "me").reply(PAST, confirmed)]


async def test_no_tool_runs_before_the_turn_is_certain() -> None:
    tools, confirmed = Booking(), asyncio.Event()
    task = asyncio.create_task(thoughts(Calling(1), tools, confirmed))
    for _ in range(20):
        await asyncio.sleep(0)
    assert tools.calls == 0
    confirmed.set()
    kinds = [type(thought).__name__ for thought in await task]
    assert kinds == ["str", "ToolCall", "ToolProgress", "ToolResultEvent", "str", "Done"]
    assert tools.calls == 1


async def test_the_model_reads_what_it_called_and_what_came_of_it() -> None:
    mind, confirmed = Calling(1), asyncio.Event()
    confirmed.set()
    done = (await thoughts(mind, Booking(), confirmed))[-1]
    assert mind.asked[1] == (
        *PAST,
        Message("assistant", "Let me see. ", (CALL,)),
        Message("tool", "booked", tool_call_id="1"),
    )
    assert isinstance(done, Done)
    assert (done.input_tokens, done.output_tokens) == (20, 2)
    assert len(PAST) == 1


async def test_a_model_that_never_stops_calling_is_stopped() -> None:
    mind, tools, confirmed = Calling(99), Booking(), asyncio.Event()
    confirmed.set()
    assert isinstance((await thoughts(mind, tools, confirmed))[-1], Done)
    assert tools.calls == len(mind.asked) == 8
