"""One reply from the model, with the tools that it calls on the way."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from services.orchestrator.llm.base import ChatRequest, Done, Message, Mind, Text, ToolCall
from services.orchestrator.pipeline.ports import Tools
from services.orchestrator.tools.base import Announcement, Outcome, Progress
from shared.errors import NotFound
from shared.protocol import conversation

_MOST_ROUNDS = 8
"""Times that one reply may go back to the model with results of tools."""

Thought = str | conversation.ToolCall | conversation.ToolProgress | conversation.ToolResultEvent


class Thinking:
    """Asks the mind, runs its tools, asks again with their results."""

    def __init__(self, mind: Mind, tools: Tools | None, user: str) -> None:
        self._mind = mind
        self._tools = tools
        self._user = user

    @property
    def with_tools(self) -> bool:
        """Whether the model may call functions."""
        return self._tools is not None

    async def reply(
        self, past: list[Message], confirmed: asyncio.Event
    ) -> AsyncGenerator[Thought | Done, None]:
        """Pieces of text and tool events; the usage of the whole reply comes last.

        Args:
            past: the conversation up to the user's words, which come last.
            confirmed: set once the turn is certain; no tool runs before.

        Raises:
            ParleyError: the model failed.
        """
        past, total = [*past], Done()
        for _ in range(_MOST_ROUNDS):
            text, done = "", Done()
            async with aclosing(self._mind.reply(self._request(past))) as deltas:
                async for delta in deltas:
                    if isinstance(delta, Text):
                        text += delta.text
                        yield delta.text
                    else:
                        done = delta
            total = _sum(total, done)
            if not done.tool_calls or self._tools is None:
                break
            await confirmed.wait()
            past.append(Message("assistant", text, done.tool_calls))
            for call in done.tool_calls:
                async with aclosing(self._run(self._tools, call, past)) as events:
                    async for event in events:
                        yield event
        yield total

    def settle(self, result: conversation.ToolResult) -> None:
        """The client's result of a call that it was asked for.

        Raises:
            NotFound: no call of that id waits for it.
        """
        if self._tools is None:
            raise NotFound("this session has no tools", param="call_id")
        self._tools.settle(result)

    async def announcements(self) -> AsyncGenerator[Announcement, None]:
        """Results of asynchronous tools, to be told when nobody speaks."""
        if self._tools is not None:
            async for announcement in self._tools.announcements():
                yield announcement

    def _request(self, messages: list[Message]) -> ChatRequest:
        tools = self._tools.schemas() if self._tools is not None else ()
        return ChatRequest(messages, tools, self._user)

    async def _run(
        self, tools: Tools, call: ToolCall, past: list[Message]
    ) -> AsyncGenerator[Thought, None]:
        yield conversation.ToolCall(
            turn_id="", call_id=call.call_id, name=call.name, arguments=_shown(call.arguments)
        )
        async with aclosing(tools.call(call)) as steps:
            async for step in steps:
                if isinstance(step, Progress) and step.spoken:
                    yield f"{step.message} "
                elif isinstance(step, Progress):
                    yield conversation.ToolProgress(
                        turn_id="", call_id=call.call_id, message=step.message
                    )
                elif isinstance(step, Outcome):
                    past.append(Message("tool", step.content, tool_call_id=call.call_id))
                    yield conversation.ToolResultEvent(
                        turn_id="", call_id=call.call_id, result=step.result, error=step.error
                    )


def _shown(arguments: str) -> dict[str, object]:
    try:
        parsed = json.loads(arguments or "{}")
    except json.JSONDecodeError:
        return {"unparsable": arguments}
    return parsed if isinstance(parsed, dict) else {"value": parsed}


def _sum(total: Done, done: Done) -> Done:
    return replace(
        done,
        input_tokens=total.input_tokens + done.input_tokens,
        output_tokens=total.output_tokens + done.output_tokens,
    )
