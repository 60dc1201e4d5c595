"""A piece of work for a model, from submission to its last output."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar

from shared.errors import ParleyError

Request = TypeVar("Request")
Output = TypeVar("Output")


class JobState(Enum):
    """Where a job is; it only ever goes down this list."""

    WAITING = "waiting"
    RUNNING = "running"
    """In a batch, or between two steps."""
    OVER = "over"
    """Done, failed, cancelled or replaced: nothing more is delivered."""


@dataclass(eq=False, slots=True)
class Job(Generic[Request, Output]):
    """One request and what the scheduler knows of it. Identity is equality."""

    request: Request
    priority: int = 0
    """Lower goes first. May change while the job runs (a stream whose first chunk is out)."""
    owner: str = ""
    """The connection; jobs of equal priority are shared out between owners."""
    deadline: float | None = None
    """Clock time after which a job that was not begun is dropped."""
    replaces: Hashable | None = None
    """A job with this key that was not begun yet is dropped when this one arrives."""
    submitted_at: float = 0.0
    sequence: int = 0
    """Order of arrival."""
    phase: JobState = JobState.WAITING
    cancelled: bool = False
    """Set from any thread; honoured by the next ``schedule()``."""
    begun: bool = False
    """Whether its first step was announced to the observer."""
    stepping: bool = False
    """In the step that runs now: no other lane may touch it."""
    lane: int | None = None
    """The device that holds the job's state, once it has one."""
    unsent: float = 0.0
    """Weight of the outputs that nobody has taken yet."""
    state: Any = None
    """Belongs to the model: caches, slots, decoding state."""
    warnings: list[tuple[str, str]] = field(default_factory=list)
    """Code and message of each degradation that touched this job."""

    def cancel(self) -> None:
        """Ask for the job to leave before the next step. Safe from any thread."""
        self.cancelled = True


@dataclass(frozen=True)  # no slots: `Step[Out](…)` sets an attribute on the instance
class Step(Generic[Output]):
    """What one step of a model did for one job."""

    outputs: tuple[Output, ...] = ()
    done: bool = False
    error: ParleyError | None = None
    """The job failed, alone; its neighbours did not."""

    @property
    def last(self) -> bool:
        """Whether the job is over with this step."""
        return self.done or self.error is not None
