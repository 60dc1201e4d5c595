"""One step of one lane's model, and what its failures become."""

import logging
from collections.abc import Sequence

from shared.errors import EngineFailed, OutOfMemory, ParleyError
from shared.resilience import CircuitBreaker
from shared.scheduling.job import Job, Output, Request, Step
from shared.scheduling.lane import LaneState
from shared.scheduling.metrics import Observer

log = logging.getLogger(__name__)


class Stepper:
    """Called on the lanes' threads; every batch has its results, whatever the model does."""

    def __init__(self, breaker: CircuitBreaker, observer: Observer) -> None:
        """Set up.

        Args:
            breaker: counts steps that failed as a whole.
            observer: hears of them.
        """
        self._breaker = breaker
        self._observer = observer

    def step(
        self, lane: LaneState[Request, Output], batch: tuple[Job[Request, Output], ...]
    ) -> Sequence[Step[Output]]:
        """Step once; a failure of the whole step becomes one of each job.

        Returns:
            One result per job, in order.
        """
        try:
            steps = lane.model.step(batch)
        except OutOfMemory as error:
            return self._shrink(lane, batch, error)
        except ParleyError as error:
            failure = error
        except Exception as error:  # the boundary: a model may raise anything, its jobs hear of it
            log.exception("model step failed", extra={"lane": lane.index, "jobs": len(batch)})
            failure = EngineFailed(f"the engine failed: {type(error).__name__}")
        else:
            self._breaker.succeeded()
            lane.grow()
            return steps
        self._breaker.failed()
        self._observer.failed(failure.code)
        return [Step(error=failure)] * len(batch)

    def _shrink(
        self,
        lane: LaneState[Request, Output],
        batch: tuple[Job[Request, Output], ...],
        error: OutOfMemory,
    ) -> Sequence[Step[Output]]:
        """Out of memory: halve the batch, then the model, then give up."""
        self._observer.failed(error.code)
        if len(batch) > 1:
            lane.halve(len(batch))
            warning = ("smaller_batch", f"out of memory: batches of {lane.cap} from now on")
        elif smaller := _degraded(lane):
            warning = ("smaller_model", f"out of memory: continuing on {smaller}")
        else:
            self._breaker.failed()
            return [Step(error=error)]
        log.warning(warning[1], extra={"lane": lane.index})
        for job in batch:
            job.warnings.append(warning)
        return [Step()] * len(batch)


def _degraded(lane: LaneState[Request, Output]) -> str | None:
    try:
        return lane.model.degrade()
    except Exception:  # the boundary: the lane's thread lives on whatever the model does
        log.exception("no smaller model can be taken", extra={"lane": lane.index})
        return None
