"""Every way in which a tool can end."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import pytest

from services.orchestrator.tools import runner as module
from services.orchestrator.tools.base import (
    Kind,
    Outcome,
    Progress,
    TemporaryToolError,
    ToolError,
)
from services.orchestrator.tools.registry import Registry
from services.orchestrator.tools.runner import ToolRunner


@dataclass(frozen=True)
class Call:
    name: str
    arguments: str = "{}"
    call_id: str = "c1"


async def outcome(registry: Registry, call: Call) -> Outcome:
    """What comes last."""
    async with ToolRunner(registry.select(None)) as tools:
        steps = [step async for step in tools.call(call)]
    assert isinstance(steps[-1], Outcome)
    return steps[-1]


async def test_plain_async_and_streaming_functions_all_run() -> None:
    registry = Registry()

    @registry.tool()
    def plain(x: int) -> int:
        return x + 1

    @registry.tool()
    async def waits(x: int) -> int:
        return x + 2

    @registry.tool()
    async def streams(x: int) -> AsyncIterator[object]:
        yield Progress("half way")
        yield x + 3

    results = [
        (await outcome(registry, Call(name, '{"x": 1}'))).result
        for name in ("plain", "waits", "streams")
    ]
    assert results == [2, 3, 4]


async def test_progress_comes_before_the_result() -> None:
    registry = Registry()

    @registry.tool()
    async def streams() -> AsyncIterator[object]:
        yield Progress("one")
        yield Progress("two")
        yield {"done": True}

    async with ToolRunner(registry.select(None)) as tools:
        steps = [step async for step in tools.call(Call("streams"))]
    assert steps[:2] == [Progress("one"), Progress("two")]
    assert steps[2] == Outcome('{"done": true}', result={"done": True})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (Call("missing"), "there is no tool missing; there is fails"),
        (Call("fails", "{"), "the arguments are not JSON"),
        (Call("fails", "[]"), "a JSON object"),
        (Call("fails", '{"y": 1}'), "y: Extra inputs"),
        (Call("fails", '{"how": "told"}'), "the hotel is full"),
        (Call("fails", '{"how": "bug"}'), "fails failed"),
    ],
)
async def test_errors_reach_the_model_in_words(call: Call, words: str) -> None:
    registry = Registry()

    @registry.tool()
    def fails(how: str = "bug") -> None:
        if how == "told":
            raise ToolError("the hotel is full")
        raise RuntimeError("secret detail")

    ended = await outcome(registry, call)
    assert words in (ended.error or "")
    assert "secret" not in ended.content
    assert json.loads(ended.content)["error"] == ended.error


async def test_a_tool_that_does_not_answer_is_given_up() -> None:
    registry = Registry()

    @registry.tool(timeout_s=0.02)
    async def sleeps() -> None:
        await asyncio.Event().wait()

    assert "did not answer within 0.02 s" in ((await outcome(registry, Call("sleeps"))).error or "")


@pytest.mark.parametrize(("idempotent", "tries"), [(True, 3), (False, 1)])
async def test_only_what_may_be_repeated_is_tried_again(idempotent: bool, tries: int) -> None:
    registry, count = Registry(), 0

    @registry.tool(idempotent=idempotent)
    def flaky() -> None:
        nonlocal count
        count += 1
        raise TemporaryToolError("busy")

    assert (await outcome(registry, Call("flaky"))).error == "busy"
    assert count == tries


async def test_a_second_try_may_succeed() -> None:
    registry, count = Registry(), 0

    @registry.tool(idempotent=True)
    def flaky() -> str:
        nonlocal count
        count += 1
        if count == 1:
            raise ConnectionResetError
        return "there"

    assert (await outcome(registry, Call("flaky"))).result == "there"


async def test_an_asynchronous_tool_is_acknowledged_and_announced() -> None:
    registry, go = Registry(), asyncio.Event()

    @registry.tool(kind=Kind.ASYNCHRONOUS)
    async def send() -> str:
        await go.wait()
        return "sent"

    async with ToolRunner(registry.select(None)) as tools:
        (accepted,) = [step async for step in tools.call(Call("send"))]
        assert isinstance(accepted, Outcome)
        assert accepted.result["status"] == "started"
        go.set()
        async with aclosing(tools.announcements()) as news:  # type: ignore[type-var]
            announcement = await anext(news)
    assert announcement.call_id == "c1"
    assert '"sent"' in announcement.text


async def test_leaving_stops_what_still_runs() -> None:
    registry, stopped = Registry(), asyncio.Event()

    @registry.tool(kind=Kind.ASYNCHRONOUS)
    async def send() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with ToolRunner(registry.select(None)) as tools:
        async for _ in tools.call(Call("send")):
            await asyncio.sleep(0)
    assert stopped.is_set()


async def test_closing_a_call_cancels_the_function() -> None:
    registry, started, stopped = Registry(), asyncio.Event(), asyncio.Event()

    @registry.tool()
    async def waits() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with ToolRunner(registry.select(None)) as tools:

        async def call() -> None:
            async with aclosing(tools.call(Call("waits"))) as steps:
                await anext(steps)

        task = asyncio.create_task(call())
        await started.wait()
        task.cancel()
        await asyncio.wait([task])
    assert stopped.is_set()


async def test_a_slow_tool_says_its_phrase_and_a_quick_one_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_PHRASE_AFTER_S", 0.01)
    registry, go = Registry(), asyncio.Event()

    @registry.tool(phrase="One moment.")
    async def waits() -> str:
        await go.wait()
        return "ready"

    async with ToolRunner(registry.select(None)) as tools:
        async with aclosing(tools.call(Call("waits"))) as steps:
            assert await anext(steps) == Progress("One moment.", spoken=True)
            go.set()
            assert isinstance(await anext(steps), Outcome)
        assert len([step async for step in tools.call(Call("waits"))]) == 1
