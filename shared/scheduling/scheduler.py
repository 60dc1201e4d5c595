"""Which jobs share the next step: pure policy, no thread, no clock of its own.

The order is priority, then fairness between owners, then arrival. A job that waited
longer than ``patience_s`` leads a step whatever its priority, but at most once per
``patience_s``: background work ends, and live work hardly notices.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Generic

from shared.errors import AtCapacity, DeadlineExceeded, ParleyError
from shared.scheduling.job import Job, JobState, Output, Request


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of a scheduler."""

    max_waiting: int = 256
    """Jobs that may wait; one more is refused."""
    max_unsent: float = 8.0
    """Weight of untaken outputs above which a job sits out."""
    patience_s: float = 2.0
    """Wait after which a job of low priority gets a turn."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One device, as the scheduler sees it when it asks for work."""

    index: int
    slots: int | None
    group: Callable[[Job[Any, Any]], Hashable]
    limit: Callable[[Hashable], int]


@dataclass(frozen=True, slots=True)
class Plan(Generic[Request, Output]):
    """What to do next."""

    batch: tuple[Job[Request, Output], ...]
    """Jobs to step together; may be empty."""
    dropped: tuple[tuple[Job[Request, Output], ParleyError | None], ...]
    """Jobs that left, each with the error to tell (None: it was cancelled)."""


class Scheduler(Generic[Request, Output]):
    """The jobs of one service. Not thread-safe: its runner holds a lock around it."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self._waiting: list[Job[Request, Output]] = []
        self._running: list[Job[Request, Output]] = []
        self._arrivals = 0
        self._served: dict[str, int] = {}
        self._turns = 0
        self._patience_spent_at = float("-inf")

    @property
    def waiting(self) -> int:
        """Jobs that were not begun."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """Jobs that were begun and are not over."""
        return len(self._running)

    def submit(self, job: Job[Request, Output], now: float) -> Job[Request, Output] | None:
        """Take a job in.

        Returns:
            The job that it replaces, now over, or None.

        Raises:
            AtCapacity: too many wait already.
        """
        replaced = self._replaced_by(job)
        if replaced is None and len(self._waiting) >= self.policy.max_waiting:
            raise AtCapacity(
                f"{len(self._waiting)} jobs are waiting for the model", retry_after_s=1.0
            )
        if replaced is not None:
            self._leave(replaced)
        job.submitted_at = now
        job.sequence = self._arrivals
        self._arrivals += 1
        self._waiting.append(job)
        return replaced

    def schedule(self, now: float, lane: Lane) -> Plan[Request, Output]:
        """Choose the lane's next batch, after letting go of who left or came too late."""
        dropped = tuple(self._drop(now, lane))
        candidates = self._candidates(lane)
        if not candidates:
            return Plan((), dropped)
        ranked = self._rank(candidates)
        lead = self._starved(ranked, now) or ranked[0]
        group = lane.group(lead)
        mates = [job for job in ranked if job is not lead and lane.group(job) == group]
        batch = (lead, *self._fitting(mates, lane, lane.limit(group) - 1, lead))
        for job in batch:
            self._begin(job, lane)
        return Plan(batch, dropped)

    def stepped(self, batch: Iterable[Job[Request, Output]]) -> None:
        """The step that these jobs were in has ended."""
        for job in batch:
            job.stepping = False

    def finish(self, job: Job[Request, Output]) -> bool:
        """The job is over.

        Returns:
            False when it was over already.
        """
        if job.phase is JobState.OVER:
            return False
        self._leave(job)
        return True

    def clear(self) -> list[Job[Request, Output]]:
        """Let everybody go."""
        jobs = [*self._waiting, *self._running]
        for job in jobs:
            self._leave(job)
        return jobs

    def jobs(self) -> tuple[Job[Request, Output], ...]:
        """All jobs that are not over."""
        return (*self._waiting, *self._running)

    def next_deadline(self) -> float | None:
        """Clock time of the earliest deadline among the waiting."""
        return min(
            (job.deadline for job in self._waiting if job.deadline is not None), default=None
        )

    def _replaced_by(self, job: Job[Request, Output]) -> Job[Request, Output] | None:
        if job.replaces is None:
            return None
        return next((other for other in self._waiting if other.replaces == job.replaces), None)

    def _drop(
        self, now: float, lane: Lane
    ) -> Iterable[tuple[Job[Request, Output], ParleyError | None]]:
        for job in [*self._waiting, *self._running]:
            if job.stepping or job.lane not in (None, lane.index):
                continue
            late = job.phase is JobState.WAITING and job.deadline is not None
            if job.cancelled:
                self._leave(job)
                yield job, None
            elif late and job.deadline is not None and job.deadline <= now:
                self._leave(job)
                yield job, DeadlineExceeded("the model was busy until after the deadline")

    def _candidates(self, lane: Lane) -> list[Job[Request, Output]]:
        mine = [job for job in self._running if job.lane in (None, lane.index)]
        ready = [job for job in mine if not job.stepping and job.unsent < self.policy.max_unsent]
        if lane.slots is not None and len(mine) >= lane.slots:
            return ready
        return ready + self._waiting

    def _rank(self, jobs: list[Job[Request, Output]]) -> list[Job[Request, Output]]:
        """Best first; an owner's second job of a priority comes after everybody's first."""
        turn: dict[tuple[int, str], int] = {}
        keyed = []
        for job in sorted(jobs, key=lambda job: job.sequence):
            place = (job.priority, job.owner)
            turn[place] = turn.get(place, -1) + 1
            served = self._served.get(job.owner, -1)
            keyed.append(((job.priority, turn[place], served, job.sequence), job))
        return [job for _, job in sorted(keyed, key=lambda pair: pair[0])]

    def _starved(
        self, ranked: list[Job[Request, Output]], now: float
    ) -> Job[Request, Output] | None:
        patience = self.policy.patience_s
        oldest = min(
            (job for job in ranked if job.phase is JobState.WAITING),
            key=lambda job: job.sequence,
            default=None,
        )
        if oldest is None or oldest is ranked[0] or now - oldest.submitted_at < patience:
            return None
        if now - self._patience_spent_at < patience:
            return None
        self._patience_spent_at = now
        return oldest

    def _fitting(
        self,
        mates: list[Job[Request, Output]],
        lane: Lane,
        places: int,
        lead: Job[Request, Output],
    ) -> list[Job[Request, Output]]:
        if lane.slots is None:
            return mates[:places]
        held = sum(job.lane == lane.index for job in self._running)
        free = lane.slots - held - (lead.phase is JobState.WAITING)
        chosen: list[Job[Request, Output]] = []
        for job in mates:
            if len(chosen) >= places:
                break
            if job.phase is JobState.WAITING:
                if free <= 0:
                    continue
                free -= 1
            chosen.append(job)
        return chosen

    def _begin(self, job: Job[Request, Output], lane: Lane) -> None:
        if job.phase is JobState.WAITING:
            job.phase = JobState.RUNNING
            self._waiting.remove(job)
            self._running.append(job)
            if lane.slots is not None:
                job.lane = lane.index
        job.stepping = True
        self._turns += 1
        self._served[job.owner] = self._turns

    def _leave(self, job: Job[Request, Output]) -> None:
        (self._waiting if job.phase is JobState.WAITING else self._running).remove(job)
        job.phase = JobState.OVER
        if not any(other.owner == job.owner for other in self.jobs()):
            self._served.pop(job.owner, None)
