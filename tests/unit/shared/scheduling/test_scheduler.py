"""The policy: who shares the next step."""

from collections.abc import Hashable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import AtCapacity, DeadlineExceeded
from shared.scheduling.job import Job, JobState
from shared.scheduling.scheduler import Lane, Policy, Scheduler

AnyJob = Job[str, str]


def job(name: str = "", priority: int = 0, owner: str = "", **rest: Any) -> AnyJob:
    return Job(name, priority, owner, **rest)


def lane(index: int = 0, *, slots: int | None = None, limit: int = 4) -> Lane:
    return Lane(index, slots, group=lambda _: "all", limit=lambda _: limit)


def scheduler(*jobs: AnyJob, now: float = 0.0, **policy: Any) -> Scheduler[str, str]:
    made = Scheduler[str, str](Policy(**policy))
    for each in jobs:
        made.submit(each, now)
    return made


def names(jobs: tuple[AnyJob, ...]) -> list[str]:
    return [each.request for each in jobs]


def test_takes_what_is_there_without_waiting_for_more() -> None:
    assert names(scheduler(job("only")).schedule(0, lane()).batch) == ["only"]


def test_nothing_to_do_is_an_empty_batch() -> None:
    assert scheduler().schedule(0, lane()).batch == ()


def test_priority_comes_before_arrival() -> None:
    plan = scheduler(job("partial", 1), job("final", 0)).schedule(0, lane(limit=1))
    assert names(plan.batch) == ["final"]


def test_a_batch_is_no_larger_than_its_limit() -> None:
    made = scheduler(*[job(str(number)) for number in range(6)])
    assert names(made.schedule(0, lane(limit=4)).batch) == ["0", "1", "2", "3"]


def test_an_owner_with_many_jobs_shares_with_one_who_has_one() -> None:
    made = scheduler(job("a1", owner="a"), job("a2", owner="a"), job("b1", owner="b"))
    assert names(made.schedule(0, lane(limit=2)).batch) == ["a1", "b1"]


def test_who_was_served_last_comes_last() -> None:
    made = scheduler(job("a1", owner="a"), job("a2", owner="a"), job("b1", owner="b"))
    first = made.schedule(0, lane(limit=1)).batch
    made.stepped(first)
    made.finish(first[0])
    assert names(made.schedule(0, lane(limit=1)).batch) == ["b1"]


def test_jobs_of_different_groups_do_not_share_a_step() -> None:
    def first_letter(each: Job[Any, Any]) -> Hashable:
        return str(each.request[0])

    made = scheduler(job("en1"), job("de1"), job("en2"))
    plan = made.schedule(0, Lane(0, None, first_letter, lambda _: 8))
    assert names(plan.batch) == ["en1", "en2"]


def test_a_job_that_is_not_done_stays_in_the_batch_and_others_join_it() -> None:
    made = scheduler(job("long"))
    made.stepped(made.schedule(0, lane()).batch)
    made.submit(job("new"), 0)
    assert names(made.schedule(0, lane()).batch) == ["long", "new"]


def test_a_job_in_a_step_is_not_given_to_another_lane() -> None:
    made = scheduler(job("one"))
    made.schedule(0, lane(0))
    assert made.schedule(0, lane(1)).batch == ()


def test_a_job_with_a_slot_stays_on_its_device() -> None:
    made = scheduler(job("one"))
    made.stepped(made.schedule(0, lane(1, slots=2)).batch)
    assert made.schedule(0, lane(0, slots=2)).batch == ()
    assert names(made.schedule(0, lane(1, slots=2)).batch) == ["one"]


def test_nobody_joins_when_all_slots_are_held() -> None:
    made = scheduler(job("a"), job("b"), job("c"))
    made.stepped(made.schedule(0, lane(slots=2)).batch)
    plan = made.schedule(0, lane(slots=2))
    assert names(plan.batch) == ["a", "b"]
    assert made.waiting == 1


def test_a_slot_is_free_again_in_the_very_next_schedule() -> None:
    made = scheduler(job("a"), job("b"))
    (running,) = made.schedule(0, lane(slots=1)).batch
    made.stepped((running,))
    running.cancel()
    plan = made.schedule(0, lane(slots=1))
    assert plan.dropped == ((running, None),)
    assert names(plan.batch) == ["b"]


def test_a_newer_partial_replaces_one_that_was_not_begun() -> None:
    old, new = job("old", replaces="stream"), job("new", replaces="stream")
    made = scheduler(old)
    assert made.submit(new, 0) is old
    assert old.phase is JobState.OVER
    assert names(made.schedule(0, lane()).batch) == ["new"]


def test_a_partial_that_was_begun_is_not_replaced() -> None:
    made = scheduler(job("old", replaces="stream"))
    made.schedule(0, lane())
    assert made.submit(job("new", replaces="stream"), 0) is None


def test_one_more_than_the_queue_holds_is_refused_with_a_time_to_come_back() -> None:
    made = scheduler(job("a"), max_waiting=1)
    with pytest.raises(AtCapacity) as caught:
        made.submit(job("b"), 0)
    assert caught.value.retry_after_s


def test_a_full_queue_still_takes_a_replacement() -> None:
    made = scheduler(job("old", replaces="stream"), max_waiting=1)
    made.submit(job("new", replaces="stream"), 0)
    assert made.waiting == 1


def test_a_job_that_was_not_begun_by_its_deadline_is_dropped_with_the_reason() -> None:
    late = job("late", deadline=5.0)
    made = scheduler(late)
    assert made.next_deadline() == 5.0
    ((dropped, error),) = made.schedule(5.0, lane()).dropped
    assert dropped is late
    assert isinstance(error, DeadlineExceeded)


def test_a_running_job_has_no_deadline_any_more() -> None:
    made = scheduler(job("begun", deadline=5.0))
    made.stepped(made.schedule(0, lane()).batch)
    assert names(made.schedule(9.0, lane()).batch) == ["begun"]


def test_a_stream_ahead_of_its_listener_sits_out() -> None:
    made = scheduler(job("ahead"), job("behind"), max_unsent=2.0)
    ahead, _ = made.schedule(0, lane()).batch
    made.stepped(made.jobs())
    ahead.unsent = 2.0
    assert names(made.schedule(0, lane()).batch) == ["behind"]


def test_background_work_gets_one_step_per_patience_and_no_more() -> None:
    made = scheduler(job("file1", 2), job("file2", 2), patience_s=2.0)
    chosen = []
    for tick in range(40):
        now = tick * 0.1
        made.submit(job("live", 0), now)
        (one,) = made.schedule(now, lane(limit=1)).batch
        made.stepped((one,))
        made.finish(one)
        chosen.append(one.request)
    assert chosen.index("file1") == 20
    assert chosen.count("file2") == 0


def test_a_job_is_over_once() -> None:
    only = job("only")
    made = scheduler(only)
    assert made.finish(only)
    assert not made.finish(only)
    assert made.jobs() == ()


def test_a_held_slot_is_not_given_away_while_its_job_sits_out() -> None:
    made = scheduler(job("ahead"), max_unsent=1.0)
    (ahead,) = made.schedule(0, lane(slots=1)).batch
    made.stepped((ahead,))
    ahead.unsent = 1.0
    made.submit(job("new", -1), 0)
    assert made.schedule(0, lane(slots=1)).batch == ()


def test_a_newcomer_that_takes_the_last_slot_leaves_the_others_their_step() -> None:
    made = scheduler(job("old", 1))
    made.stepped(made.schedule(0, lane(slots=2)).batch)
    made.submit(job("new"), 0)
    made.submit(job("newer"), 0)
    assert names(made.schedule(0, lane(slots=2)).batch) == ["new", "old"]


def test_each_device_has_slots_of_its_own() -> None:
    made = scheduler(*map(job, "abcd"))
    assert names(made.schedule(0, lane(0, slots=2)).batch) == ["a", "b"]
    assert names(made.schedule(0, lane(1, slots=2)).batch) == ["c", "d"]


def test_without_slots_a_job_goes_on_wherever_there_is_room() -> None:
    made = scheduler(job("one"))
    made.stepped(made.schedule(0, lane(0)).batch)
    assert names(made.schedule(0, lane(1)).batch) == ["one"]


def test_who_is_cancelled_in_a_step_leaves_after_it() -> None:
    made = scheduler(job("one"))
    (one,) = made.schedule(0, lane(0)).batch
    one.cancel()
    assert made.schedule(0, lane(1)).dropped == ()
    made.stepped((one,))
    assert made.schedule(0, lane(1)).dropped == ((one, None),)


def test_only_the_device_that_holds_a_slot_lets_go_of_it() -> None:
    made = scheduler(job("one"))
    (one,) = made.schedule(0, lane(1, slots=1)).batch
    made.stepped((one,))
    one.cancel()
    assert made.schedule(0, lane(0, slots=1)).dropped == ()
    assert made.schedule(0, lane(1, slots=1)).dropped == ((one, None),)


def test_what_an_owner_has_of_another_priority_does_not_count_against_it() -> None:
    made = scheduler(job("a0", 0, "a"), job("a1", 1, "a"), job("b1", 1, "b"))
    assert names(made.schedule(0, lane(limit=2)).batch) == ["a0", "a1"]


def test_an_owners_jobs_of_one_priority_go_by_their_arrival() -> None:
    made = scheduler(job("early", 1), job("late", 0))
    (late,) = made.schedule(0, lane(limit=1)).batch
    made.stepped((late,))
    late.priority = 1  # its first chunk is out
    assert names(made.schedule(0, lane(limit=1)).batch) == ["early"]


def test_background_work_that_was_begun_does_not_starve() -> None:
    made = scheduler(job("file", 2))
    made.stepped(made.schedule(0, lane()).batch)
    made.submit(job("live", 0), 9.0)
    assert names(made.schedule(9.0, lane(limit=1)).batch) == ["live"]


def test_patience_is_not_spent_on_who_would_go_first_anyhow() -> None:
    made = scheduler(job("live", 0), job("file", 2), patience_s=2.0)
    (live,) = made.schedule(5.0, lane(limit=1)).batch
    made.stepped((live,))
    made.finish(live)
    made.submit(job("live", 0), 5.0)
    assert names(made.schedule(5.0, lane(limit=1)).batch) == ["file"]


def test_the_next_deadline_is_the_earliest() -> None:
    assert scheduler().next_deadline() is None
    made = scheduler(job("b", deadline=7.0), job("a", deadline=5.0), job("c"))
    assert made.next_deadline() == 5.0


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from("abc"), st.booleans()), min_size=1, max_size=40
    ),
    st.integers(1, 5),
    st.one_of(st.none(), st.integers(1, 4)),
)
def test_everybody_is_served_or_dropped_and_no_limit_is_passed(
    arrivals: list[tuple[int, str, bool]], limit: int, slots: int | None
) -> None:
    made = scheduler(*[job(str(n), p, owner) for n, (p, owner, _) in enumerate(arrivals)])
    for each, (_, _, leaves) in zip(made.jobs(), arrivals, strict=True):
        each.cancelled = leaves
    over: set[str] = set()
    for _ in range(3 * len(arrivals)):
        plan = made.schedule(0, lane(slots=slots, limit=limit))
        assert len(plan.batch) <= limit
        assert slots is None or made.running <= slots
        over |= {dropped.request for dropped, _ in plan.dropped}
        made.stepped(plan.batch)
        for each in plan.batch[: max(1, len(plan.batch) // 2)]:
            made.finish(each)
            over.add(each.request)
    assert over == {str(number) for number in range(len(arrivals))}
    assert made.jobs() == ()
