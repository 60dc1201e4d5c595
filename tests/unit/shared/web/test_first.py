"""The first to end ends them all."""

import asyncio

import pytest

from shared.web.first import first_of


async def forever(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("cancelled")


async def test_the_others_are_over_when_it_returns() -> None:
    async def short() -> None:
        await asyncio.sleep(0)

    ended: list[str] = []
    await first_of(forever(ended), short(), forever(ended))
    assert ended == ["cancelled", "cancelled"]
    assert len(asyncio.all_tasks()) == 1


async def test_its_error_is_raised_and_no_other() -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("first")

    async def fails_when_cancelled() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise KeyError("second")

    with pytest.raises(ValueError, match="first"):
        await first_of(fails_when_cancelled(), fails())


async def test_cancelling_it_cancels_all() -> None:
    ended: list[str] = []
    task = asyncio.create_task(first_of(forever(ended), forever(ended)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert ended == ["cancelled", "cancelled"]
