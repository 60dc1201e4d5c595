"""The thread that owns the model, and what reaches the event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shared.errors import (
    AtCapacity,
    DeadlineExceeded,
    Draining,
    EngineFailed,
    EngineUnavailable,
    OutOfMemory,
)
from shared.scheduling.job import Job, Step
from shared.scheduling.runner import Runner
from shared.scheduling.scheduler import Policy

IntJob = Job[int, int]


class Counter:
    """Counts a job's request down, one output a step; records what it saw."""

    def __init__(self, *, slots: int | None = None, limit: int = 8, fits: int = 99) -> None:
        self.slots = slots
        self.size = limit
        self.fits = fits
        self.batches: list[list[int]] = []
        self.released: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.smaller: list[str] = []
        self.failure: Exception | None = None

    def group(self, job: IntJob) -> Hashable:
        return "all"

    def limit(self, group: Hashable) -> int:
        return self.size

    def step(self, jobs: Sequence[IntJob]) -> Sequence[Step[int]]:
        self.entered.set()
        assert self.gate.wait(10)
        if len(jobs) > self.fits:
            raise OutOfMemory("does not fit")
        if self.failure is not None:
            raise self.failure
        self.batches.append([job.request for job in jobs])
        return [self._one(job) for job in jobs]

    def _one(self, job: IntJob) -> Step[int]:
        if job.request < 0:
            return Step(error=EngineFailed("a bad request fails alone"))
        left = job.request if job.state is None else job.state
        job.state = left - 1
        return Step((left,), done=left <= 1)

    def release(self, job: IntJob) -> None:
        self.released.append(job.request)

    def degrade(self) -> str | None:
        if not self.smaller:
            return None
        self.fits = 99
        return self.smaller.pop()


@asynccontextmanager
async def running(*models: Counter, **options: Any) -> AsyncIterator[Runner[int, int]]:
    runner = Runner[int, int](models, **options)
    await runner.start()
    try:
        yield runner
    finally:
        for model in models:
            model.gate.set()
        await runner.aclose()


async def entered(model: Counter) -> None:
    assert await asyncio.to_thread(model.entered.wait, 10)
    model.entered.clear()


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_outputs_arrive_in_order_and_then_end() -> None:
    model = Counter()
    async with running(model) as runner:
        assert [output async for output in runner.submit(3)] == [3, 2, 1]
    assert model.released == [3]


async def test_what_arrives_during_a_step_shares_the_next_one() -> None:
    model = Counter()
    async with running(model) as runner:
        model.gate.clear()
        first = runner.submit(1)
        await entered(model)
        rest = [runner.submit(1) for _ in range(4)]
        model.gate.set()
        await asyncio.gather(*(handle.result() for handle in [first, *rest]))
    assert [len(batch) for batch in model.batches] == [1, 4]


async def test_jobs_join_a_batch_that_runs() -> None:
    model = Counter()
    async with running(model) as runner:
        long = runner.submit(60)
        await anext(long)
        assert await runner.submit(1).result() == 1
        long.cancel()
    assert [60, 1] in model.batches


async def test_a_job_that_fails_leaves_its_neighbours_alone() -> None:
    model = Counter()
    async with running(model) as runner:
        model.gate.clear()
        blocker = runner.submit(1)
        await entered(model)
        bad, good = runner.submit(-1), runner.submit(1)
        model.gate.set()
        await blocker.result()
        with pytest.raises(EngineFailed, match="alone"):
            await bad.result()
        assert await good.result() == 1


async def test_a_cancelled_job_is_released_before_the_next_step() -> None:
    model = Counter(slots=1)
    async with running(model) as runner:
        long = runner.submit(1000)
        await anext(long)
        waiting = runner.submit(1)
        long.cancel()
        assert await waiting.result() == 1
    assert model.released == [1000, 1]


async def test_cancelling_whoever_awaits_the_result_cancels_the_job() -> None:
    model = Counter()
    async with running(model) as runner:
        model.gate.clear()
        task = asyncio.create_task(runner.submit(5).result())
        await entered(model)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        model.gate.set()
        await until(lambda: runner.running == 0)
    assert model.batches == [[5]]


async def test_a_superseded_job_ends_without_output_or_error() -> None:
    model = Counter()
    async with running(model) as runner:
        model.gate.clear()
        blocker = runner.submit(1)
        await entered(model)
        old, new = runner.submit(2, replaces="x"), runner.submit(1, replaces="x")
        model.gate.set()
        assert await old.result() is None
        assert old.superseded
        assert await new.result() == 1
        await blocker.result()
    assert [2] not in model.batches


async def test_outputs_that_nobody_takes_stop_the_job_and_taking_them_resumes_it() -> None:
    model = Counter()
    async with running(model, policy=Policy(max_unsent=3)) as runner:
        slow = runner.submit(10)
        await until(lambda: slow.job.unsent >= 3)
        assert await runner.submit(1).result() == 1
        assert len(model.batches) == 4
        assert [output async for output in slow] == list(range(10, 0, -1))


async def test_a_step_that_does_not_fit_is_tried_again_with_half() -> None:
    model = Counter(fits=2)
    async with running(model) as runner:
        model.gate.clear()
        first = runner.submit(1)
        await entered(model)
        rest = [runner.submit(1) for _ in range(4)]
        model.gate.set()
        results = await asyncio.gather(*(handle.result() for handle in [first, *rest]))
    assert results == [1] * 5
    assert max(map(len, model.batches)) == 2
    assert rest[0].warnings[0][0] == "smaller_batch"
    assert first.warnings == ()


async def test_one_job_that_does_not_fit_alone_goes_to_the_smaller_model() -> None:
    model = Counter(fits=0)
    model.smaller = ["tiny"]
    async with running(model) as runner:
        handle = runner.submit(1)
        assert await handle.result() == 1
        assert handle.warnings == (("smaller_model", "out of memory: continuing on tiny"),)


async def test_without_a_smaller_model_the_job_fails_as_out_of_memory() -> None:
    async with running(Counter(fits=0)) as runner:
        with pytest.raises(OutOfMemory):
            await runner.submit(1).result()


async def test_a_smaller_model_that_cannot_be_loaded_leaves_the_lane_alive() -> None:
    model = Counter(fits=0)

    def full() -> str | None:
        raise EngineUnavailable("no memory for it either")

    model.degrade = full  # type: ignore[method-assign]
    async with running(model) as runner:
        with pytest.raises(OutOfMemory):
            await asyncio.wait_for(runner.submit(1).result(), 10)
        model.fits = 99
        assert await asyncio.wait_for(runner.submit(1).result(), 10) == 1


async def test_the_breaker_opens_after_failures_in_a_row_and_says_when_to_return() -> None:
    model = Counter()
    model.failure = ValueError("inside the model")
    async with running(model) as runner:
        for _ in range(3):
            with pytest.raises(EngineFailed, match="ValueError"):
                await runner.submit(1).result()
        with pytest.raises(EngineUnavailable) as caught:
            runner.submit(1)
        assert caught.value.retry_after_s


async def test_a_stuck_step_fails_its_jobs_and_the_runner_goes_on_after_it() -> None:
    model = Counter()
    async with running(model, step_timeout_s=0.2) as runner:
        model.gate.clear()
        stuck = runner.submit(1)
        with pytest.raises(DeadlineExceeded):
            await stuck.result()
        model.gate.set()
        assert await runner.submit(1).result() == 1
    assert model.released[0] == 1


async def test_while_every_lane_is_stuck_the_waiting_are_told() -> None:
    model = Counter()
    async with running(model, step_timeout_s=0.2) as runner:
        model.gate.clear()
        stuck = runner.submit(1)
        await entered(model)
        with pytest.raises(EngineUnavailable):
            await runner.submit(1).result()
        with pytest.raises(DeadlineExceeded):
            await stuck.result()


async def test_two_devices_work_at_the_same_time() -> None:
    models = Counter(limit=1), Counter(limit=1)
    async with running(*models) as runner:
        for model in models:
            model.gate.clear()
        handles = [runner.submit(1), runner.submit(1)]
        await asyncio.gather(*map(entered, models))
        for model in models:
            model.gate.set()
        assert [await handle.result() for handle in handles] == [1, 1]


async def test_a_full_queue_refuses_and_forgets() -> None:
    model = Counter()
    async with running(model, policy=Policy(max_waiting=1)) as runner:
        model.gate.clear()
        first = runner.submit(1)
        await entered(model)
        second = runner.submit(1)
        with pytest.raises(AtCapacity):
            runner.submit(1)
        model.gate.set()
        assert [await first.result(), await second.result()] == [1, 1]


async def test_closing_fails_what_is_unfinished_and_ends_the_threads() -> None:
    model = Counter()
    runner = Runner[int, int]([model], name="closing")
    await runner.start()
    handle = runner.submit(100_000)
    await anext(handle)
    await runner.aclose()
    with pytest.raises(Draining):
        async for _ in handle:
            pass
    with pytest.raises(Draining):
        runner.submit(1)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("closing")]


async def test_a_thousand_jobs_leave_nothing_behind() -> None:
    model = Counter(limit=32)
    async with running(model, policy=Policy(max_waiting=2000)) as runner:
        handles = [runner.submit(3, owner=str(number % 30)) for number in range(1000)]
        for handle in handles[::2]:
            handle.cancel()
        await asyncio.gather(*(handle.result() for handle in handles[1::2]))
        await until(lambda: runner.waiting == runner.running == 0)
        assert not runner._handles
        assert not runner._scheduler._served
