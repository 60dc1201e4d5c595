"""Backing off, and the breaker's states."""

import itertools
import random

from shared.resilience import BreakerState, CircuitBreaker, backoff
from tests.doubles.clock import ManualClock


def test_waits_double_up_to_the_longest_with_jitter() -> None:
    waits = list(itertools.islice(backoff(0.1, 1.0, rng=random.Random(1)), 8))
    for wait, limit in zip(waits, [0.1, 0.2, 0.4, 0.8, 1, 1, 1, 1], strict=True):
        assert limit / 2 <= wait <= limit
    assert len(set(waits)) == len(waits)


def test_a_service_that_is_back_is_found_within_a_second() -> None:
    assert max(itertools.islice(backoff(), 20)) <= 1.0


def breaker(clock: ManualClock) -> CircuitBreaker:
    return CircuitBreaker(clock, threshold=2, rest_s=5)


def test_opens_after_failures_in_a_row_only() -> None:
    made = breaker(ManualClock())
    made.failed()
    made.succeeded()
    made.failed()
    assert made.allow()
    made.failed()
    assert made.state is BreakerState.OPEN
    assert not made.allow()
    assert made.retry_after_s() == 5


def test_lets_one_probe_through_after_the_rest() -> None:
    clock = ManualClock()
    made = breaker(clock)
    made.failed()
    made.failed()
    clock.advance(5)
    assert made.state is BreakerState.HALF_OPEN
    assert made.allow()
    assert not made.allow()
    made.succeeded()
    assert made.allow()


def test_a_failed_probe_opens_it_again() -> None:
    clock = ManualClock()
    made = breaker(clock)
    made.failed()
    made.failed()
    clock.advance(5)
    assert made.allow()
    made.failed()
    assert made.state is BreakerState.OPEN


def test_a_probe_that_never_reports_does_not_keep_it_shut() -> None:
    clock = ManualClock()
    made = breaker(clock)
    made.failed()
    made.failed()
    clock.advance(5)
    assert made.allow()
    clock.advance(5)
    assert made.allow()
