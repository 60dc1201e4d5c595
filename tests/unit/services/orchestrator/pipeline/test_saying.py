"""Clauses on their way to the voice."""

import asyncio

from services.orchestrator.pipeline.saying import Saying


async def test_clauses_that_wait_are_joined() -> None:
    saying = Saying()
    saying.put("One. ")
    saying.put("Two.")
    saying.end()
    assert [text async for text in saying] == ["One. Two."]


async def test_they_come_as_they_are_put() -> None:
    saying, got = Saying(), []

    async def take() -> None:
        async for text in saying:
            got.append(text)
            if len(got) == 1:
                saying.put("Two.")
                saying.end()

    task = asyncio.create_task(take())
    await asyncio.sleep(0)
    saying.put("One. ")
    await task
    assert got == ["One. ", "Two."]


async def test_a_cancelled_iteration_can_be_taken_up_again() -> None:
    saying = Saying()
    waiting = asyncio.create_task(anext(saying))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    saying.put("Still here.")
    assert await anext(saying) == "Still here."


async def test_an_end_without_text_ends() -> None:
    saying = Saying()
    saying.end()
    assert [text async for text in saying] == []


async def test_an_end_that_is_waited_for_ends() -> None:
    saying = Saying()
    waiting = asyncio.create_task(anext(saying, None))
    await asyncio.sleep(0)
    saying.end()
    assert await asyncio.wait_for(waiting, 10) is None
