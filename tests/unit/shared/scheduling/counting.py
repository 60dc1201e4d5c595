"""A model that counts, and a runner around it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from shared.errors import EngineFailed, OutOfMemory
from shared.scheduling.handle import Handle
from shared.scheduling.job import Job, Step
from shared.scheduling.runner import Runner

IntJob = Job[int, int]


class Counter:
    """Counts a job's request down, one output a step; records what it saw."""

    def __init__(self, *, slots: int | None = None, limit: int = 8, fits: int = 99) -> None:
        self._slots = slots
        self.size = limit
        self.fits = fits
        self.batches: list[list[int]] = []
        self.released: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.looked = threading.Event()
        """Work was looked for since the last step began."""
        self.smaller: list[str] = []
        self.failure: Exception | None = None

    @property
    def slots(self) -> int | None:
        self.looked.set()
        return self._slots

    def group(self, job: IntJob) -> Hashable:
        return "all"

    def limit(self, group: Hashable) -> int:
        return self.size

    def step(self, jobs: Sequence[IntJob]) -> Sequence[Step[int]]:
        self.looked.clear()
        self.entered.set()
        assert self.gate.wait(10)
        if len(jobs) > self.fits:
            raise OutOfMemory("does not fit")
        if self.failure is not None:
            raise self.failure
        self.batches.append([job.request for job in jobs])
        return [self._one(job) for job in jobs]

    def _one(self, job: IntJob) -> Step[int]:
        if job.request < 0:
            return Step(error=EngineFailed("a bad request fails alone"))
        left = job.request if job.state is None else job.state
        job.state = left - 1
        return Step((left,), done=left <= 1)

    def release(self, job: IntJob) -> None:
        self.released.append(job.request)

    def degrade(self) -> str | None:
        if not self.smaller:
            return None
        self.fits = 99
        return self.smaller.pop()


@asynccontextmanager
async def running(*models: Counter, **options: Any) -> AsyncIterator[Runner[int, int]]:
    runner = Runner[int, int](models, **options)
    await runner.start()
    try:
        yield runner
    finally:
        for model in models:
            model.gate.set()
        await runner.aclose()


async def entered(model: Counter) -> None:
    assert await asyncio.to_thread(model.entered.wait, 10)
    model.entered.clear()


async def one_then(count: int, model: Counter, runner: Runner[int, int]) -> list[Handle[int, int]]:
    """A job that has a step to itself, and as many more that came during it; all are done."""
    model.gate.clear()
    model.entered.clear()
    first = runner.submit(1)
    await entered(model)
    jobs = [first, *(runner.submit(1) for _ in range(count))]
    model.gate.set()
    assert await asyncio.gather(*(job.result() for job in jobs)) == [1] * len(jobs)
    return jobs


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)
