"""Backing off, and leaving alone what has failed several times in a row."""

import random
from collections.abc import Iterator
from enum import Enum

from shared.clock import Clock


def backoff(
    first_s: float = 0.1, longest_s: float = 1.0, *, rng: random.Random | None = None
) -> Iterator[float]:
    """Waiting times in seconds: doubling, capped, each with jitter over its upper half.

    The jitter keeps thirty clients of a restarted service from coming back together; the cap
    is what a conversation waits at most once the service is back.
    """
    chance = rng or random.Random()  # noqa: S311 - spreading load, not secrets
    limit = first_s
    while True:
        yield chance.uniform(limit / 2, limit)
        limit = min(limit * 2, longest_s)


class BreakerState(Enum):
    """Whether calls go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitBreaker:
    """Opens after ``threshold`` failures in a row; lets one probe through after a while."""

    def __init__(self, clock: Clock, *, threshold: int = 3, rest_s: float = 5.0) -> None:
        self._clock = clock
        self._threshold = threshold
        self._rest_s = rest_s
        self._failures = 0
        self._opened_at = 0.0
        self._state = BreakerState.CLOSED
        self._probe_at = float("-inf")

    @property
    def state(self) -> BreakerState:
        """Open breakers become half open when their rest is over."""
        if self._state is BreakerState.OPEN and self.retry_after_s() == 0:
            return BreakerState.HALF_OPEN
        return self._state

    def retry_after_s(self) -> float:
        """Seconds until a probe may pass; 0 when calls may go through now."""
        if self._state is not BreakerState.OPEN:
            return 0.0
        return max(0.0, self._opened_at + self._rest_s - self._clock.now())

    def allow(self) -> bool:
        """Whether a call may be made now; in half open only one at a time.

        A probe that never reports back stops counting after another rest.
        """
        state = self.state
        if state is BreakerState.CLOSED:
            return True
        if state is BreakerState.OPEN:
            return False
        now = self._clock.now()
        if now - self._probe_at < self._rest_s:
            return False
        self._probe_at = now
        return True

    def succeeded(self) -> None:
        """A call worked: close."""
        self._failures = 0
        self._state = BreakerState.CLOSED

    def failed(self) -> None:
        """A call failed: open when it was the probe or one too many."""
        self._failures += 1
        if self._failures >= self._threshold:
            self._state = BreakerState.OPEN
            self._opened_at = self._clock.now()
