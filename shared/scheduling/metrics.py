"""What a runner tells its operator."""

from collections.abc import Sequence
from typing import Any, Protocol

from shared.metrics import BATCH_BUCKETS, Metrics
from shared.scheduling.job import Job


class Observer(Protocol):
    """Hears of every step. Called on model threads."""

    def stepped(
        self, lane: int, batch: Sequence[Job[Any, Any]], seconds: float, waiting: int
    ) -> None:
        """A step ended."""
        ...

    def began(self, priority: int, waited_s: float) -> None:
        """A job's first step is about to start."""
        ...

    def failed(self, code: str) -> None:
        """A step failed as a whole, with this error code."""
        ...


class Unobserved:
    """Hears nothing."""

    def stepped(
        self, lane: int, batch: Sequence[Job[Any, Any]], seconds: float, waiting: int
    ) -> None:
        """Ignore."""

    def began(self, priority: int, waited_s: float) -> None:
        """Ignore."""

    def failed(self, code: str) -> None:
        """Ignore."""


class SchedulingMetrics:
    """An observer that counts for Prometheus."""

    def __init__(self, metrics: Metrics) -> None:
        self._step = metrics.histogram("model_step_seconds", "Time of one model step.", "lane")
        self._size = metrics.histogram(
            "model_batch_size", "Jobs in one model step.", "lane", buckets=BATCH_BUCKETS
        )
        self._waited = metrics.histogram(
            "queue_seconds", "Time from submission to the first step.", "priority"
        )
        self._waiting = metrics.gauge("queue_depth", "Jobs waiting for the model.")
        self._failed = metrics.counter("model_step_failures", "Model steps that failed.", "code")

    def stepped(
        self, lane: int, batch: Sequence[Job[Any, Any]], seconds: float, waiting: int
    ) -> None:
        """A step ended."""
        self._step.labels(str(lane)).observe(seconds)
        self._size.labels(str(lane)).observe(len(batch))
        self._waiting.set(waiting)

    def began(self, priority: int, waited_s: float) -> None:
        """A job's first step is about to start."""
        self._waited.labels(str(priority)).observe(waited_s)

    def failed(self, code: str) -> None:
        """A step failed as a whole."""
        self._failed.labels(code).inc()
