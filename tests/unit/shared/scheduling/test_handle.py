"""The event loop's end of a job."""

import pytest

from shared.errors import EngineFailed
from shared.scheduling.handle import Handle
from shared.scheduling.job import Job


class Ends:
    """What a handle tells its runner."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.cancelled = 0
        self.handle = Handle(Job[int, int](1), taken=self._take, cancelled=self._cancel)

    def _take(self, _: Job[int, int], output: int) -> None:
        self.taken.append(output)

    def _cancel(self, _: Job[int, int]) -> None:
        self.cancelled += 1


async def test_what_was_made_before_a_failure_comes_before_it() -> None:
    ends = Ends()
    ends.handle.deliver((1, 2))
    ends.handle.close(EngineFailed("broken"))
    assert [await anext(ends.handle), await anext(ends.handle)] == [1, 2]
    with pytest.raises(EngineFailed):
        await anext(ends.handle)
    assert ends.taken == [1, 2]


async def test_leaving_cancels_once_and_ends_the_iteration() -> None:
    ends = Ends()
    async with ends.handle as handle:
        handle.deliver((1,))
        assert await anext(handle) == 1
    ends.handle.cancel()
    assert ends.cancelled == 1
    assert [output async for output in ends.handle] == []


async def test_a_job_that_is_over_is_not_cancelled_and_keeps_its_error() -> None:
    ends = Ends()
    ends.handle.close(EngineFailed("broken"))
    ends.handle.cancel()
    assert ends.cancelled == 0
    with pytest.raises(EngineFailed):
        await anext(ends.handle)
