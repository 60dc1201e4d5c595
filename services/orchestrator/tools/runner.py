"""Runs the tools that a model calls: timeouts, retries, progress, and errors in words."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from services.orchestrator.tools.base import (
    Announcement,
    Call,
    Kind,
    Outcome,
    Progress,
    TemporaryToolError,
    Tool,
    ToolError,
)
from services.orchestrator.tools.client import ClientTools
from shared.logs import correlated
from shared.protocol.conversation import ToolResult
from shared.resilience import backoff

log = logging.getLogger(__name__)

_TRIES = 3
_PHRASE_AFTER_S = 0.7
_MOST_ANNOUNCEMENTS = 32
_STARTED = {"status": "started", "note": "The result will be told when it is there."}


class ToolRunner:
    """The tools of one session. Leave it as a context manager to stop what still runs.

    Args:
        tools: the service's.
        client: those that the session's client runs itself.
    """

    def __init__(self, tools: Sequence[Tool], client: ClientTools | None = None) -> None:
        self._client = client or ClientTools(())
        tools = (*tools, *self._client.tools())
        self._tools = {tool.name: tool for tool in tools}
        self._schemas = tuple(tool.schema() for tool in tools)
        self._background: set[asyncio.Task[None]] = set()
        self._news: asyncio.Queue[Announcement] = asyncio.Queue(_MOST_ANNOUNCEMENTS)

    async def __aenter__(self) -> "ToolRunner":
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    def schemas(self) -> Sequence[Mapping[str, Any]]:
        """In OpenAI's form."""
        return self._schemas

    def settle(self, result: ToolResult) -> None:
        """The client's result of a call.

        Raises:
            NotFound: no call of that id waits for it.
        """
        self._client.settle(result)

    async def announcements(self) -> AsyncIterator[Announcement]:
        """Results of asynchronous tools, as they come; never ends."""
        while True:
            yield await self._news.get()

    async def call(self, call: Call) -> AsyncGenerator[Progress | Outcome, None]:
        """Run one; :class:`Outcome` comes last, also for a failure. Closing it cancels."""
        with correlated(call_id=call.call_id):
            tool = self._tools.get(call.name)
            if tool is None:
                known = ", ".join(self._tools) or "none"
                yield _failure(f"there is no tool {call.name}; there is {known}")
            elif tool.kind is Kind.ASYNCHRONOUS:
                task = asyncio.create_task(self._announce(tool, call))
                self._background.add(task)
                task.add_done_callback(self._background.discard)
                yield Outcome(json.dumps(_STARTED), result=_STARTED)
            else:
                async with aclosing(_with_phrase(tool, _attempts(tool, call))) as steps:
                    async for step in steps:
                        yield step

    async def _announce(self, tool: Tool, call: Call) -> None:
        async with aclosing(_attempts(tool, call)) as steps:
            async for step in steps:
                if isinstance(step, Outcome):
                    text = f"(The tool {tool.name} has ended: {step.content} Tell me briefly.)"
                    await self._news.put(Announcement(call.call_id, text))


async def _with_phrase(
    tool: Tool, steps: AsyncGenerator[Progress | Outcome, None]
) -> AsyncGenerator[Progress | Outcome, None]:
    """The steps; before the first, when it takes long, the tool's phrase."""
    first = asyncio.ensure_future(anext(steps))
    try:
        if tool.phrase:
            await asyncio.wait({first}, timeout=_PHRASE_AFTER_S)
            if not first.done():
                yield Progress(tool.phrase, spoken=True)
        yield await first
        async for step in steps:
            yield step
    finally:
        first.cancel()
        with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
            await first
        await steps.aclose()


async def _attempts(tool: Tool, call: Call) -> AsyncGenerator[Progress | Outcome, None]:
    """Try; again after temporary failures of what may be repeated; tell in words."""
    waits, tries = backoff(0.1, 1.0), _TRIES if tool.idempotent else 1
    for attempt in range(1, tries + 1):
        try:
            async with aclosing(_once(tool, call)) as steps:
                async for step in steps:
                    yield step
        except TimeoutError:
            failure = _failure(f"{tool.name} did not answer within {tool.timeout_s:g} s")
        except (TemporaryToolError, OSError) as error:
            log.info("tool failed for now", extra={"tool": tool.name, "attempt": attempt})
            failure = _failure(str(error) or "it does not answer")
        except ToolError as error:
            yield _failure(str(error))
            return
        except Exception:  # anybody's function runs here; the conversation goes on
            log.exception("tool failed", extra={"tool": tool.name})
            yield _failure(f"{tool.name} failed")
            return
        else:
            return
        if attempt < tries:
            await asyncio.sleep(next(waits))
    yield failure


async def _once(tool: Tool, call: Call) -> AsyncGenerator[Progress | Outcome, None]:
    """One try. The last value is the result; those before it are progress."""
    steps = tool.run(_arguments(call), call.call_id)
    result: Any = None
    while True:
        try:
            async with asyncio.timeout(tool.timeout_s):
                step = await anext(steps)
        except StopAsyncIteration:
            break
        if isinstance(step, Progress):
            yield step
        else:
            result = step
    yield Outcome(json.dumps(result, default=str, ensure_ascii=False), result=_plain(result))


def _arguments(call: Call) -> dict[str, Any]:
    try:
        arguments = json.loads(call.arguments or "{}")
    except json.JSONDecodeError as error:
        raise ToolError(f"the arguments are not JSON: {error.msg}") from None
    if not isinstance(arguments, dict):
        raise ToolError("the arguments are a JSON object")
    return arguments


def _plain(result: Any) -> Any:
    return json.loads(json.dumps(result, default=str))


def _failure(error: str) -> Outcome:
    return Outcome(json.dumps({"error": error}, ensure_ascii=False), error=error)
