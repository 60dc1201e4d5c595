"""The threads that own the models, and the bridge between them and the event loop.

One thread a device runs ``schedule → step → deliver``. The event loop submits jobs and
reads their handles; it never touches a model. A step that hangs cannot be killed, but
its jobs fail at the timeout and what it returns later is dropped.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Generic

from shared.clock import Clock, SystemClock
from shared.errors import (
    DeadlineExceeded,
    Draining,
    EngineUnavailable,
    ParleyError,
)
from shared.resilience import CircuitBreaker
from shared.scheduling.handle import Handle
from shared.scheduling.job import Job, JobState, Output, Request, Step
from shared.scheduling.lane import LaneState
from shared.scheduling.metrics import Observer, Unobserved
from shared.scheduling.model import BatchedModel
from shared.scheduling.scheduler import Plan, Policy, Scheduler
from shared.scheduling.stepper import Stepper

log = logging.getLogger(__name__)

Delivery = tuple[Job[Request, Output], Step[Output]]


class Runner(Generic[Request, Output]):
    """One shared queue in front of one model per device."""

    def __init__(
        self,
        models: Sequence[BatchedModel[Request, Output]],
        *,
        policy: Policy | None = None,
        clock: Clock | None = None,
        step_timeout_s: float = 30.0,
        breaker: CircuitBreaker | None = None,
        observer: Observer | None = None,
        weigh: Callable[[Output], float] = lambda _: 1.0,
        name: str = "model",
    ) -> None:
        """Set up; nothing runs before :meth:`start`.

        Args:
            models: one a device.
            step_timeout_s: a step longer than this fails its jobs.
            weigh: what an output adds to its job's ``unsent`` (1, or seconds of audio).
            name: of the threads.
        """
        self._clock = clock or SystemClock()
        self._scheduler: Scheduler[Request, Output] = Scheduler(policy)
        self._lanes = [LaneState(index, model) for index, model in enumerate(models)]
        self._step_timeout_s = step_timeout_s
        self.breaker = breaker or CircuitBreaker(self._clock)
        self._observer = observer or Unobserved()
        self._stepper = Stepper(self.breaker, self._observer)
        self._weigh = weigh
        self._name = name
        self._wake = threading.Condition()
        self._closing = False
        self._threads: list[threading.Thread] = []
        self._handles: dict[Job[Request, Output], Handle[Request, Output]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start a thread a device, and the watch over them."""
        self._loop = asyncio.get_running_loop()
        for lane in self._lanes:
            thread = threading.Thread(
                target=self._work, args=(lane,), name=f"{self._name}-{lane.index}", daemon=True
            )
            self._threads.append(thread)
            thread.start()
        self._watch = asyncio.create_task(self._watch_steps(), name=f"{self._name}-watch")

    def submit(
        self,
        request: Request,
        *,
        priority: int = 0,
        owner: str = "",
        deadline: float | None = None,
        replaces: Hashable | None = None,
    ) -> Handle[Request, Output]:
        """Queue a request. Call it on the event loop.

        Raises:
            AtCapacity: the queue is full.
            EngineUnavailable: the breaker is open after several failures.
            Draining: the runner is closing.
        """
        if self._closing:
            raise Draining("the service is stopping")
        if not self.breaker.allow():
            raise EngineUnavailable(
                "the engine failed several times in a row",
                retry_after_s=max(self.breaker.retry_after_s(), 0.1),
            )
        job = Job[Request, Output](request, priority, owner, deadline, replaces)
        handle = Handle(job, taken=self._taken, cancelled=self._cancelled)
        with self._wake:
            replaced = self._scheduler.submit(job, self._clock.now())
            self._wake.notify_all()
        self._handles[job] = handle
        if replaced is not None and (other := self._handles.pop(replaced, None)):
            other.superseded = True
            other.close()
        return handle

    @property
    def waiting(self) -> int:
        """Jobs that were not begun."""
        return self._scheduler.waiting

    @property
    def running(self) -> int:
        """Jobs that were begun and are not over."""
        return self._scheduler.running

    async def aclose(self) -> None:
        """Fail what is unfinished with ``Draining``; end the threads."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        with self._wake:
            self._closing = True
            left = self._scheduler.clear()
            self._wake.notify_all()
        self._close_handles(left, Draining("the service is stopping"))
        stuck = [lane for lane in self._lanes if lane.overdue]
        for thread in self._threads:
            await asyncio.to_thread(thread.join, 0.1 if stuck else self._step_timeout_s)

    # --- event loop ---------------------------------------------------------

    def _taken(self, job: Job[Request, Output], output: Output) -> None:
        with self._wake:
            was_full = job.unsent >= self._scheduler.policy.max_unsent
            job.unsent = max(0.0, job.unsent - self._weigh(output))
            if was_full and job.unsent < self._scheduler.policy.max_unsent:
                self._wake.notify_all()

    def _cancelled(self, job: Job[Request, Output]) -> None:
        job.cancel()
        self._handles.pop(job, None)
        with self._wake:
            self._wake.notify_all()

    def _deliver(self, deliveries: Sequence[Delivery[Request, Output]]) -> None:
        for job, step in deliveries:
            handle = self._handles.get(job)
            if handle is None:
                continue
            handle.deliver(step.outputs)
            if step.last:
                del self._handles[job]
                handle.close(step.error)

    def _close_handles(
        self, jobs: Sequence[Job[Request, Output]], error: ParleyError | None
    ) -> None:
        for job in jobs:
            if handle := self._handles.pop(job, None):
                handle.close(error)

    async def _watch_steps(self) -> None:
        while True:
            await asyncio.sleep(self._step_timeout_s / 10)
            now = self._clock.now()
            for lane in self._lanes:
                if lane.hangs(now, self._step_timeout_s):
                    self._abandon(lane)
            if all(lane.overdue for lane in self._lanes):
                self._fail_waiting()

    def _abandon(self, lane: LaneState[Request, Output]) -> None:
        """The lane's step is past its timeout: its jobs fail, the thread is left to it."""
        with self._wake:
            batch = lane.abandon()
            lost = [job for job in batch if self._scheduler.finish(job)]
        self.breaker.failed()
        self._observer.failed(DeadlineExceeded.code)
        log.error("model step is stuck", extra={"lane": lane.index, "jobs": len(lost)})
        message = f"the model did not answer within {self._step_timeout_s:g} s"
        self._close_handles(lost, DeadlineExceeded(message))

    def _fail_waiting(self) -> None:
        with self._wake:
            left = self._scheduler.clear()
        self._close_handles(left, EngineUnavailable("the model is stuck"))

    # --- model threads ------------------------------------------------------

    def _work(self, lane: LaneState[Request, Output]) -> None:
        while (plan := self._next(lane)) is not None:
            for job, _ in plan.dropped:
                lane.model.release(job)
            gone: list[Delivery[Request, Output]] = [
                (job, Step(done=True, error=error)) for job, error in plan.dropped
            ]
            self._post(gone)
            if plan.batch:
                self._post(self._step(lane, plan.batch))

    def _next(self, lane: LaneState[Request, Output]) -> Plan[Request, Output] | None:
        """The next plan with something in it; None when the runner closes."""
        with self._wake:
            while not self._closing:
                now = self._clock.now()
                plan = self._scheduler.schedule(now, lane.view())
                for job in plan.batch:
                    if not job.begun:
                        job.begun = True
                        self._observer.began(job.priority, now - job.submitted_at)
                if plan.batch:
                    lane.began(plan.batch, now)
                if plan.batch or plan.dropped:
                    return plan
                deadline = self._scheduler.next_deadline()
                self._wake.wait(None if deadline is None else max(0.0, deadline - now))
        return None

    def _step(
        self, lane: LaneState[Request, Output], batch: tuple[Job[Request, Output], ...]
    ) -> list[Delivery[Request, Output]]:
        began = self._clock.now()
        steps = self._stepper.step(lane, batch)
        with self._wake:
            abandoned = lane.ended()
            self._scheduler.stepped(batch)
            results = list(zip(batch, steps, strict=True))
            for job, step in results:
                job.unsent += sum(map(self._weigh, step.outputs))
                if step.last:
                    self._scheduler.finish(job)
            waiting = self._scheduler.waiting
        for job in batch:
            if _is_over(job):
                lane.model.release(job)
        if not abandoned:
            self._observer.stepped(lane.index, batch, self._clock.now() - began, waiting)
        return results

    def _post(self, deliveries: list[Delivery[Request, Output]]) -> None:
        if deliveries and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop closed before its threads
                self._loop.call_soon_threadsafe(partial(self._deliver, deliveries))


def _is_over(job: Job[Request, Output]) -> bool:
    return job.phase is JobState.OVER
