"""Steps that fail, do not fit or hang, and what a runner makes of them."""

import asyncio

import pytest

from shared.errors import DeadlineExceeded, EngineFailed, EngineUnavailable, OutOfMemory
from shared.resilience import CircuitBreaker
from tests.doubles.clock import ManualClock
from tests.unit.shared.scheduling.counting import Counter, entered, one_then, running, until
from tests.unit.shared.scheduling.recorder import Recorder


@pytest.mark.parametrize("fits", [1, 2])
async def test_a_step_that_does_not_fit_is_tried_again_with_half(fits: int) -> None:
    model = Counter(fits=fits)
    async with running(model) as runner:
        first, *rest = await one_then(4, model, runner)
    assert max(map(len, model.batches)) == fits
    assert rest[0].warnings[0][0] == "smaller_batch"
    assert first.warnings == ()


async def test_after_200_good_steps_a_batch_is_tried_twice_as_large() -> None:
    model = Counter(fits=1)
    async with running(model) as runner:
        await one_then(2, model, runner)
        model.fits = 99
        assert len([output async for output in runner.submit(200)]) == 200
        await one_then(4, model, runner)
    assert [len(batch) for batch in model.batches[-3:]] == [1, 2, 2]


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
    model, clock = Counter(), ManualClock()
    async with running(model, clock=clock, step_timeout_s=0.2) as runner:
        model.gate.clear()
        stuck = runner.submit(1)
        await entered(model)
        clock.advance(0.3)
        with pytest.raises(DeadlineExceeded):
            await stuck.result()
        model.gate.set()
        await until(model.looked.is_set)
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


async def test_successes_between_failures_keep_the_breaker_closed() -> None:
    model = Counter()
    async with running(model) as runner:
        for failure in (ValueError(), ValueError(), None) * 2:
            model.failure = failure
            if failure is None:
                assert await runner.submit(1).result() == 1
                continue
            with pytest.raises(EngineFailed):
                await runner.submit(1).result()


async def test_a_model_that_does_not_fit_at_all_counts_as_failing() -> None:
    breaker = CircuitBreaker(ManualClock(), threshold=1)
    async with running(Counter(fits=0), breaker=breaker) as runner:
        with pytest.raises(OutOfMemory):
            await runner.submit(1).result()
        with pytest.raises(EngineUnavailable):
            runner.submit(1)


async def test_a_stuck_step_counts_as_a_failure_and_not_as_a_step() -> None:
    model, clock, recorder = Counter(), ManualClock(), Recorder()
    breaker = CircuitBreaker(clock, threshold=1)
    async with running(
        model, clock=clock, step_timeout_s=0.2, breaker=breaker, observer=recorder
    ) as runner:
        model.gate.clear()
        stuck = runner.submit(1)
        await entered(model)
        clock.advance(0.3)
        with pytest.raises(DeadlineExceeded):
            await stuck.result()
        assert recorder.failures == [DeadlineExceeded.code]
        with pytest.raises(EngineUnavailable):
            runner.submit(1)
        model.gate.set()
        await until(model.looked.is_set)
        assert recorder.steps == []


async def test_one_stuck_lane_of_two_takes_nobody_else_down() -> None:
    models, clock = (Counter(limit=1), Counter(limit=1)), ManualClock()
    async with running(*models, clock=clock, step_timeout_s=0.2) as runner:
        for model in models:
            model.gate.clear()
        stuck = runner.submit(1)
        await until(lambda: any(model.entered.is_set() for model in models))
        clock.advance(0.15)
        late = runner.submit(1)
        await until(lambda: all(model.entered.is_set() for model in models))
        waiting = runner.submit(1)
        clock.advance(0.1)
        with pytest.raises(DeadlineExceeded):
            await stuck.result()
        for model in models:
            model.gate.set()
        assert [await late.result(), await waiting.result()] == [1, 1]
