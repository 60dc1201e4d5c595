import asyncio
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from typing import cast

import pytest

from services.asr.engines.base import TranscribeOptions, Transcript
from services.asr.pipeline.files import FileResult, FileTranscriber, Recording
from services.asr.pipeline.jobs import JobFile, Jobs, Status, TranscriptionJob
from shared.errors import AtCapacity, InvalidRequest, NotFound
from tests.doubles.clock import ManualClock


class Slow:
    """Answers when it is let; a file called `bad` fails, `broken` breaks."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.begun = asyncio.Event()
        self.cancelled = 0

    async def whole(self, recording: Recording) -> FileResult:
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        name = recording.file.read().decode()
        if name == "bad":
            raise InvalidRequest("no sound")
        if name == "broken":
            raise ZeroDivisionError
        return FileResult(Transcript(name), 1.0)


class Uploads:
    """Counts how often they are deleted."""

    def __init__(self) -> None:
        self.released = 0
        self.news = asyncio.Event()

    async def release(self) -> None:
        self.released += 1
        self.news.set()


def job(uploads: Uploads, *names: str, owner: str = "me") -> TranscriptionJob:
    files = [
        JobFile(name, Recording(BytesIO(name.encode()), TranscribeOptions(), 10), lambda r: r)
        for name in names
    ]
    return TranscriptionJob(owner, files, uploads.release)


def state(made: TranscriptionJob) -> str:
    return made.status.value


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def jobs(slow: Slow, clock: ManualClock) -> AsyncIterator[Jobs]:
    jobs = Jobs(cast("FileTranscriber", slow), clock, most=2, ttl_s=60)
    work = asyncio.create_task(jobs.run())
    yield jobs
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def ended(uploads: Uploads) -> None:
    await asyncio.wait_for(uploads.news.wait(), 5)


async def test_files_are_worked_off_and_one_that_fails_stops_no_other(
    jobs: Jobs, slow: Slow
) -> None:
    uploads = Uploads()
    made = job(uploads, "one", "bad", "broken", "two")
    jobs.submit(made)
    assert state(made) == "queued"
    await asyncio.wait_for(slow.begun.wait(), 5)
    assert state(made) == "running"
    slow.go.set()
    await ended(uploads)
    states = [file.status.value for file in made.files]
    assert states == ["completed", "failed", "failed", "completed"]
    assert made.files[3].result == FileResult(Transcript("two"), 1.0)
    assert state(made) == "completed"
    assert uploads.released == 1


async def test_when_all_files_fail_the_job_did(jobs: Jobs, slow: Slow) -> None:
    uploads = Uploads()
    made = job(uploads, "bad")
    slow.go.set()
    jobs.submit(made)
    await ended(uploads)
    assert made.status is Status.FAILED


async def test_too_many_are_refused(jobs: Jobs) -> None:
    for _ in range(2):
        jobs.submit(job(Uploads(), "x"))
    with pytest.raises(AtCapacity):
        jobs.admit()
    with pytest.raises(AtCapacity):
        jobs.submit(job(Uploads(), "x"))


async def test_a_finished_job_is_forgotten_after_a_while(
    jobs: Jobs, slow: Slow, clock: ManualClock
) -> None:
    uploads = Uploads()
    made = job(uploads, "one")
    slow.go.set()
    jobs.submit(made)
    await ended(uploads)
    clock.advance(59)
    assert jobs.get("me", made.id) is made
    clock.advance(2)
    with pytest.raises(NotFound):
        jobs.get("me", made.id)


@pytest.mark.parametrize("look", [Jobs.admit, lambda jobs: jobs.of("me")])
async def test_finished_jobs_take_no_place_and_old_ones_no_memory(
    jobs: Jobs, slow: Slow, clock: ManualClock, look: Callable[[Jobs], object]
) -> None:
    slow.go.set()
    for _ in range(2):
        uploads = Uploads()
        jobs.submit(job(uploads, "one"))
        await ended(uploads)
    jobs.admit()
    clock.advance(61)
    look(jobs)
    assert not jobs._jobs


async def test_a_job_is_its_owners_alone(jobs: Jobs) -> None:
    made = job(Uploads(), "one")
    jobs.submit(made)
    assert jobs.of("me") == [made]
    assert jobs.of("you") == []
    with pytest.raises(NotFound):
        jobs.get("you", made.id)


async def test_deleting_stops_the_work_and_the_next_job_begins(jobs: Jobs, slow: Slow) -> None:
    first, second, third = Uploads(), Uploads(), Uploads()
    running, waiting = job(first, "one"), job(second, "two")
    jobs.submit(running)
    jobs.submit(waiting)
    await asyncio.wait_for(slow.begun.wait(), 5)
    await jobs.delete(waiting)
    await jobs.delete(running)
    assert (slow.cancelled, first.released, second.released) == (1, 1, 1)
    await jobs.delete(waiting)
    slow.go.set()
    made = job(third, "three")
    jobs.submit(made)
    await ended(third)
    await jobs.delete(made)
    assert (second.released, third.released) == (1, 1)


async def test_jobs_are_worked_off_in_the_order_of_their_arrival(jobs: Jobs, slow: Slow) -> None:
    first, second = Uploads(), Uploads()
    one, two = job(first, "one"), job(second, "two")
    jobs.submit(one)
    jobs.submit(two)
    await asyncio.wait_for(slow.begun.wait(), 5)
    assert (one.status, two.status) == (Status.RUNNING, Status.QUEUED)


async def test_a_job_deleted_just_as_it_is_taken_up_leaves_no_upload(
    jobs: Jobs, slow: Slow
) -> None:
    uploads = Uploads()
    made = job(uploads, "one")
    jobs.submit(made)
    while jobs._working is None:
        await asyncio.sleep(0)
    assert not slow.begun.is_set()
    await jobs.delete(made)
    assert uploads.released == 1


async def test_what_is_unfinished_is_released_in_the_end(slow: Slow, clock: ManualClock) -> None:
    jobs = Jobs(cast("FileTranscriber", slow), clock, most=5, ttl_s=60)
    running, waiting = Uploads(), Uploads()
    jobs.submit(job(running, "one"))
    jobs.submit(job(waiting, "two"))
    work = asyncio.create_task(jobs.run())
    await asyncio.wait_for(slow.begun.wait(), 5)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert (slow.cancelled, running.released, waiting.released) == (1, 1, 1)
