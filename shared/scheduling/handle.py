"""The event loop's end of a job."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, Self

from shared.errors import ParleyError
from shared.scheduling.job import Job, Output, Request


class Handle(Generic[Request, Output]):
    """Iterate over a job's outputs as they are made; leave it and the job is cancelled.

    Use as an async context manager, or call :meth:`cancel` in the end: outputs that
    nobody takes make the job sit out, and it holds its slot until it is cancelled.
    """

    def __init__(
        self,
        job: Job[Request, Output],
        *,
        taken: Callable[[Job[Request, Output], Output], None],
        cancelled: Callable[[Job[Request, Output]], None],
    ) -> None:
        self.job = job
        self.superseded = False
        """A newer job with the same key took its place before it was begun."""
        self._taken = taken
        self._cancelled = cancelled
        self._outputs: deque[Output] = deque()
        self._over = False
        self._error: ParleyError | None = None
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cancel()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Output:
        while not self._outputs:
            if self._error is not None:
                raise self._error
            if self._over:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        output = self._outputs.popleft()
        self._taken(self.job, output)
        return output

    async def result(self) -> Output | None:
        """The one output of a job that makes one; None when it was superseded or cancelled.

        Raises:
            ParleyError: the job failed. Cancelling this coroutine cancels the job.
        """
        async with self:
            return await anext(self, None)

    @property
    def warnings(self) -> tuple[tuple[str, str], ...]:
        """Code and message of each degradation so far."""
        return tuple(self.job.warnings)

    def cancel(self) -> None:
        """Drop the job; it leaves before the model's next step."""
        if not self._over:
            self._cancelled(self.job)
            self.close()

    def deliver(self, outputs: tuple[Output, ...]) -> None:
        """Called on the loop with what a step made."""
        self._outputs.extend(outputs)
        self._news.set()

    def close(self, error: ParleyError | None = None) -> None:
        """Called on the loop when nothing more will come."""
        self._over = True
        self._error = error
        self._news.set()
