"""What a lane may hold, and how long its step may last."""

from shared.scheduling.job import Job
from shared.scheduling.lane import LaneState
from tests.unit.shared.scheduling.counting import Counter


def lane(limit: int = 8) -> LaneState[int, int]:
    return LaneState(0, Counter(limit=limit))


def limit(of: LaneState[int, int]) -> int:
    return of.view().limit("all")


def test_a_batch_that_did_not_fit_halves_the_limit_and_never_to_nothing() -> None:
    made = lane()
    assert limit(made) == 8
    for size, half in ((7, 3), (3, 1), (1, 1)):
        made.halve(size)
        assert limit(made) == half


def test_the_limit_doubles_after_200_good_steps_up_to_the_models_own() -> None:
    made = lane()
    made.halve(4)
    seen = []
    for _ in range(800):
        made.grow()
        seen.append(limit(made))
    assert [seen.index(size) for size in (2, 4, 8)] == [0, 199, 399]
    assert seen[-1] == 8


def test_good_steps_are_counted_from_the_last_that_did_not_fit() -> None:
    made = lane()
    made.halve(8)
    for _ in range(199):
        made.grow()
    made.halve(4)
    made.grow()
    assert limit(made) == 2


def test_a_step_hangs_once_and_only_past_its_timeout() -> None:
    made, job = lane(), Job[int, int](1)
    assert not made.hangs(10.0, 2.0)
    made.began((job,), 10.0)
    assert not made.hangs(12.0, 2.0)
    assert made.hangs(12.1, 2.0)
    assert made.abandon() == (job,)
    assert not made.hangs(13.0, 2.0)
    assert made.ended()


def test_what_ended_does_not_hang_and_the_next_step_starts_afresh() -> None:
    made = lane()
    made.began((), 10.0)
    made.abandon()
    made.ended()
    assert not made.overdue
    assert not made.hangs(99.0, 2.0)
    made.began((), 100.0)
    assert made.hangs(103.0, 2.0)
    assert not made.ended()
