"""What the runner needs of a model that works on many jobs at once."""

from collections.abc import Hashable, Sequence
from typing import Protocol, TypeVar

from shared.scheduling.job import Job, Step

Request = TypeVar("Request")
Output = TypeVar("Output")


class BatchedModel(Protocol[Request, Output]):
    """A model on one device. Every method is called on one thread, its lane's.

    A job may be done in one step (a Whisper window) or stay for many (a Chatterbox
    utterance). ``job.state`` is the model's to use.
    """

    @property
    def slots(self) -> int | None:
        """Jobs that may be begun and unfinished at once; None: nothing is kept between steps.

        With slots a job stays on the device that began it.
        """
        ...

    def group(self, job: Job[Request, Output]) -> Hashable:
        """Jobs with equal groups may share a step."""
        ...

    def limit(self, group: Hashable) -> int:
        """Largest batch of this group."""
        ...

    def step(self, jobs: Sequence[Job[Request, Output]]) -> Sequence[Step[Output]]:
        """Advance the jobs together; one result per job, in order.

        Raises:
            OutOfMemory: nothing was changed; the runner tries again with half of them.
            EngineFailed: all of these jobs failed.
        """
        ...

    def release(self, job: Job[Request, Output]) -> None:
        """Free what the job holds: it is over. Called before the next step."""
        ...

    def degrade(self) -> str | None:
        """One job alone did not fit: change to a smaller model.

        Returns:
            The smaller model's name, or None when there is none.
        """
        ...
