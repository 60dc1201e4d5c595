"""A clock that only moves when told."""


class ManualClock:
    """Starts at 1,000 s so that a forgotten 0 shows."""

    def __init__(self, now: float = 1_000.0) -> None:
        self._now = now

    def now(self) -> float:
        """The time it was set to."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds
