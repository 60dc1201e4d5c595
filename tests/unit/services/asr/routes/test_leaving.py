import asyncio

import pytest
from starlette.types import Message

from services.asr.routes.leaving import unless_gone
from shared.web.faults import Disconnected


async def stays() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def leaves() -> Message:
    return {"type": "http.disconnect"}


async def test_work_that_is_waited_for_is_done() -> None:
    async def work() -> int:
        return 7

    assert await unless_gone(stays, work()) == 7


async def test_work_that_fails_says_so() -> None:
    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await unless_gone(stays, work())


async def test_work_that_nobody_waits_for_is_cancelled() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(Disconnected):
        await unless_gone(leaves, work())
    assert ended.is_set()


async def test_cancelling_the_caller_cancels_the_work() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(unless_gone(stays, work()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
