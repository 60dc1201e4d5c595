"""The thread that owns the model, and what reaches the event loop."""

import asyncio
import threading
import time

import pytest

from shared.errors import AtCapacity, DeadlineExceeded, Draining, EngineFailed
from shared.scheduling.runner import Runner
from shared.scheduling.scheduler import Policy
from tests.doubles.clock import ManualClock
from tests.unit.shared.scheduling.counting import Counter, entered, one_then, running, until
from tests.unit.shared.scheduling.recorder import Recorder


async def test_outputs_arrive_in_order_and_then_end() -> None:
    model = Counter()
    async with running(model) as runner:
        assert [output async for output in runner.submit(3)] == [3, 2, 1]
    assert model.released == [3]


async def test_what_arrives_during_a_step_shares_the_next_one() -> None:
    model = Counter()
    async with running(model) as runner:
        await one_then(4, model, runner)
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
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("closing")]


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


async def full(model: Counter, outputs: int) -> None:
    """So much was made, and the lane has found that nobody takes it."""
    await until(lambda: len(model.batches) == outputs and model.looked.is_set())


async def test_a_lane_that_waits_for_a_listener_goes_on_when_the_listener_does() -> None:
    model = Counter()
    async with running(model, policy=Policy(max_unsent=3)) as runner:
        slow = runner.submit(4)
        await full(model, 3)
        assert [output async for output in slow] == [4, 3, 2, 1]


async def test_a_slot_that_nobody_listens_to_is_free_as_soon_as_it_is_cancelled() -> None:
    model = Counter(slots=1)
    async with running(model, policy=Policy(max_unsent=1)) as runner:
        left = runner.submit(9)
        await full(model, 1)
        model.looked.clear()
        waiting = runner.submit(1)
        await until(model.looked.is_set)
        left.cancel()
        assert await waiting.result() == 1


async def test_a_deadline_is_kept_while_nothing_else_happens() -> None:
    model = Counter(slots=1)
    async with running(model, policy=Policy(max_unsent=1)) as runner:
        runner.submit(9)
        await full(model, 1)
        async with asyncio.timeout(10):
            with pytest.raises(DeadlineExceeded):
                await runner.submit(1, deadline=time.monotonic() + 0.01).result()


async def test_a_cancelled_job_gets_nothing_of_the_step_it_was_in() -> None:
    model = Counter()
    async with running(model) as runner:
        model.gate.clear()
        handle = runner.submit(5)
        await entered(model)
        handle.cancel()
        model.gate.set()
        assert await runner.submit(1).result() == 1
        assert [output async for output in handle] == []


async def test_what_an_output_weighs_is_for_the_service_to_say() -> None:
    model = Counter()
    async with running(model, policy=Policy(max_unsent=9), weigh=float) as runner:
        slow = runner.submit(5)
        await full(model, 2)
        assert slow.job.unsent == 5 + 4


async def test_a_wait_is_told_once_a_job_and_in_seconds() -> None:
    model, clock, recorder = Counter(limit=1), ManualClock(), Recorder()
    async with running(model, clock=clock, observer=recorder) as runner:
        model.gate.clear()
        first = runner.submit(2)
        await entered(model)
        second = runner.submit(1, priority=1)
        clock.advance(0.5)
        model.gate.set()
        assert [output async for output in first] == [2, 1]
        assert await second.result() == 1
    assert recorder.waits == [(0, 0.0), (1, 0.5)]
    assert recorder.steps == [1, 1, 1]


def test_a_loop_that_closes_first_does_not_end_the_thread() -> None:
    model = Counter()
    model.gate.clear()

    async def leave() -> Runner[int, int]:
        runner = Runner[int, int]([model])
        await runner.start()
        runner.submit(1)
        await entered(model)
        return runner

    runner = asyncio.run(leave())
    model.gate.set()
    asyncio.run(until(model.looked.is_set))
    assert all(thread.is_alive() for thread in runner._threads)
    asyncio.run(runner.aclose())
