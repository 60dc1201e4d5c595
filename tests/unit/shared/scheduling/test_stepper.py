"""Whatever a model's step does, every job of the batch has a result."""

from collections.abc import Hashable, Sequence

import pytest

from shared.errors import EngineFailed, OutOfMemory, ParleyError
from shared.resilience import CircuitBreaker
from shared.scheduling.job import Job, Step
from shared.scheduling.lane import LaneState
from shared.scheduling.metrics import Unobserved
from shared.scheduling.stepper import Stepper
from tests.doubles.clock import ManualClock

IntJob = Job[int, int]


class Failing:
    """A model whose every step ends with the same error."""

    slots = None

    def __init__(self, error: Exception) -> None:
        self.error = error

    def group(self, job: IntJob) -> Hashable:
        return "all"

    def limit(self, group: Hashable) -> int:
        return 8

    def step(self, jobs: Sequence[IntJob]) -> Sequence[Step[int]]:
        raise self.error

    def release(self, job: IntJob) -> None:
        raise AssertionError("the runner releases")

    def degrade(self) -> str | None:
        raise ValueError("no file of it")


class Failures(Unobserved):
    def __init__(self) -> None:
        self.codes: list[str] = []

    def failed(self, code: str) -> None:
        self.codes.append(code)


def stepped(error: Exception, size: int) -> tuple[Sequence[Step[int]], list[str], bool]:
    """The results of so many jobs, what the operator hears, and whether it counted as a failure."""
    breaker, heard = CircuitBreaker(ManualClock(), threshold=1), Failures()
    batch = tuple(IntJob(number, 0, "", None, None) for number in range(size))
    steps = Stepper(breaker, heard).step(LaneState(0, Failing(error)), batch)
    return steps, heard.codes, not breaker.allow()


@pytest.mark.parametrize(
    ("error", "told"), [(EngineFailed("broken"), "broken"), (KeyError("x"), "failed: KeyError")]
)
def test_a_step_that_fails_as_a_whole_fails_each_of_its_jobs(error: Exception, told: str) -> None:
    steps, codes, counted = stepped(error, 3)
    assert [type(step.error) for step in steps] == [EngineFailed] * 3
    assert told in str(steps[0].error)
    assert (codes, counted) == ([EngineFailed.code], True)


def test_several_jobs_that_do_not_fit_fail_nobody() -> None:
    steps, codes, counted = stepped(OutOfMemory("full"), 3)
    assert list(steps) == [Step(), Step(), Step()]
    assert (codes, counted) == ([OutOfMemory.code], False)


def test_one_that_does_not_fit_fails_when_no_smaller_model_can_be_had() -> None:
    error: ParleyError = OutOfMemory("full")
    steps, codes, counted = stepped(error, 1)
    assert [step.error for step in steps] == [error]
    assert (codes, counted) == ([OutOfMemory.code], True)
