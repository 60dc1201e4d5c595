"""One device of a runner: its model, its step in progress, its batch cap."""

from collections.abc import Hashable
from typing import Generic

from shared.scheduling.job import Job, Output, Request
from shared.scheduling.model import BatchedModel
from shared.scheduling.scheduler import Lane

_STEPS_UNTIL_REGROWTH = 200
"""Good steps after which a cap that came from a full memory is tried twice as large."""


class LaneState(Generic[Request, Output]):
    """Touched under the runner's lock, except the model, which is the lane's thread's own."""

    def __init__(self, index: int, model: BatchedModel[Request, Output]) -> None:
        self.index = index
        self.model = model
        self.cap: int | None = None
        """Largest batch since the memory last was full; None: the model's own limit."""
        self.overdue = False
        """The step in progress was given up."""
        self._batch: tuple[Job[Request, Output], ...] = ()
        self._began_at: float | None = None
        self._good_steps = 0

    def view(self) -> Lane:
        """The lane as the scheduler sees it."""
        return Lane(self.index, self.model.slots, self.model.group, self._limit)

    def began(self, batch: tuple[Job[Request, Output], ...], now: float) -> None:
        """A step is about to start."""
        self._batch = batch
        self._began_at = now

    def ended(self) -> bool:
        """The step is over.

        Returns:
            Whether it had been given up before.
        """
        abandoned = self.overdue
        self._batch, self._began_at, self.overdue = (), None, False
        return abandoned

    def hangs(self, now: float, timeout_s: float) -> bool:
        """Whether the step in progress has just become too long."""
        return not self.overdue and self._began_at is not None and now - self._began_at > timeout_s

    def abandon(self) -> tuple[Job[Request, Output], ...]:
        """Give the step up; its jobs."""
        self.overdue = True
        return self._batch

    def halve(self, size: int) -> None:
        """A batch of ``size`` did not fit."""
        self.cap = max(1, size // 2)
        self._good_steps = 0

    def grow(self) -> None:
        """A step went well."""
        if self.cap is None:
            return
        self._good_steps += 1
        if self._good_steps >= _STEPS_UNTIL_REGROWTH:
            self._good_steps = 0
            self.cap *= 2

    def _limit(self, group: Hashable) -> int:
        limit = self.model.limit(group)
        return limit if self.cap is None else min(limit, self.cap)
