"""Recordings that nobody waits for: taken in, worked off one after the other, kept a while."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from services.asr.pipeline.files import FileResult, FileTranscriber, Recording
from shared.clock import Clock
from shared.errors import AtCapacity, NotFound, ParleyError

log = logging.getLogger(__name__)


class Status(StrEnum):
    """Where a job or a file of it is; it only goes down this list."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(slots=True)
class JobFile:
    """One recording of a job."""

    name: str
    recording: Recording
    render: Callable[[FileResult], Any]
    """Writes the result as the client wants it."""
    status: Status = Status.QUEUED
    result: FileResult | None = None
    error: ParleyError | None = None


@dataclass(eq=False, slots=True)
class TranscriptionJob:
    """Several recordings that were sent together."""

    owner: str
    files: Sequence[JobFile]
    release: Callable[[], Awaitable[None]]
    """Deletes the uploads."""
    id: str = field(default_factory=lambda: f"job_{secrets.token_hex(16)}")
    ended_at: float | None = None
    """Clock time."""

    @property
    def status(self) -> Status:
        """Failed when all of its files failed."""
        states = {file.status for file in self.files}
        if self.ended_at is None:
            return Status.QUEUED if states == {Status.QUEUED} else Status.RUNNING
        return Status.FAILED if states == {Status.FAILED} else Status.COMPLETED


class Jobs:
    """The jobs of one process; they do not survive it."""

    def __init__(
        self, transcriber: FileTranscriber, clock: Clock, *, most: int, ttl_s: float
    ) -> None:
        """Set up; :meth:`run` does the work.

        Args:
            most: jobs that may be unfinished at once.
            ttl_s: time for which a finished job can be asked for.
        """
        self._transcriber = transcriber
        self._clock = clock
        self._most = most
        self.ttl_s = ttl_s
        self._jobs: dict[str, TranscriptionJob] = {}
        self._working: tuple[TranscriptionJob, asyncio.Task[None]] | None = None
        self._news = asyncio.Event()

    def admit(self) -> None:
        """See whether there is room for one more, before its upload is read.

        Raises:
            AtCapacity: too many are unfinished.
        """
        self._forget_old()
        if sum(job.ended_at is None for job in self._jobs.values()) >= self._most:
            raise AtCapacity(f"{self._most} jobs are unfinished", retry_after_s=30)

    def submit(self, job: TranscriptionJob) -> None:
        """Take a job in.

        Raises:
            AtCapacity: too many are unfinished.
        """
        self.admit()
        self._jobs[job.id] = job
        self._news.set()

    def get(self, owner: str, job_id: str) -> TranscriptionJob:
        """A job of this owner.

        Raises:
            NotFound: there is none of this name, any more, or it is somebody else's.
        """
        self._forget_old()
        job = self._jobs.get(job_id)
        if job is None or job.owner != owner:
            raise NotFound(f"no such job `{job_id[:64]}`", param="id")
        return job

    def of(self, owner: str) -> list[TranscriptionJob]:
        """All jobs of this owner, oldest first."""
        self._forget_old()
        return [job for job in self._jobs.values() if job.owner == owner]

    async def delete(self, job: TranscriptionJob) -> None:
        """Forget the job; what is under way stops."""
        self._jobs.pop(job.id, None)
        if self._working is not None and self._working[0] is job:
            task = self._working[1]
            task.cancel()
            await asyncio.wait({task})
        if job.ended_at is None:  # it was never begun
            job.ended_at = self._clock.now()
            await job.release()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                job = self._next()
                if job is None:
                    self._news.clear()
                    await self._news.wait()
                    continue
                task = asyncio.create_task(self._work(job))
                self._working = (job, task)
                try:
                    await asyncio.wait({task})
                finally:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
                    self._working = None
        finally:
            for left in [job for job in self._jobs.values() if job.ended_at is None]:
                await left.release()

    def _next(self) -> TranscriptionJob | None:
        return next((job for job in self._jobs.values() if job.ended_at is None), None)

    async def _work(self, job: TranscriptionJob) -> None:
        try:
            for file in job.files:
                file.status = Status.RUNNING
                await self._transcribe(file)
        finally:
            job.ended_at = self._clock.now()
            await job.release()

    async def _transcribe(self, file: JobFile) -> None:
        try:
            file.result = await self._transcriber.whole(file.recording)
        except ParleyError as error:
            file.error = error
        except Exception:  # the boundary: one broken file must not end the others' work
            log.exception("a file of a job failed")
            file.error = ParleyError("internal error; see the service's log")
        file.status = Status.FAILED if file.error else Status.COMPLETED

    def _forget_old(self) -> None:
        now = self._clock.now()
        for job in list(self._jobs.values()):
            if job.ended_at is not None and now - job.ended_at > self.ttl_s:
                del self._jobs[job.id]
