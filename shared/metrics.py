"""Prometheus metrics that every service has; each service adds its own beside them.

A metrics object is made once by the composition root and passed down. Buckets come from
the latency budget in ``docs/latency.md``.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

LATENCY_BUCKETS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 5.0)
"""Upper bounds in seconds, densest where the budget of a turn is spent."""
BATCH_BUCKETS = (1, 2, 4, 8, 12, 16, 24, 32, 64)
"""Upper bounds for the number of jobs in one step of a model."""


class Metrics:
    """The metrics of one service's HTTP side, and of its process (``process_*``)."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = self.counter(
            "http_requests", "HTTP requests answered.", "method", "route", "status"
        )
        self.request_seconds = self.histogram(
            "http_request_seconds", "Time from request to the end of its answer.", "route"
        )
        self.connections = self.gauge("connections", "Open WebSocket connections.", "route")
        self.places = self.gauge("places", "Places that the service can give.")
        self.places_taken = self.gauge("places_taken", "Places that are taken.")
        self.refused = self.counter(
            "refused", "Requests and connections refused, by the error's code.", "code"
        )
        self.errors = self.counter("errors", "Errors sent to clients, by code.", "code")
        self.warnings = self.counter("warnings", "Warnings sent to clients, by code.", "code")

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """A counter ``parley_<service>_<name>_total``."""
        return Counter(f"parley_{self.service}_{name}", text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """A gauge ``parley_<service>_<name>``."""
        return Gauge(f"parley_{self.service}_{name}", text, labels, registry=self.registry)

    def histogram(
        self,
        name: str,
        text: str,
        *labels: str,
        buckets: tuple[float, ...] = LATENCY_BUCKETS_S,
    ) -> Histogram:
        """A histogram ``parley_<service>_<name>``; latency buckets in seconds by default."""
        full = f"parley_{self.service}_{name}"
        return Histogram(full, text, labels, buckets=buckets, registry=self.registry)

    def exposition(self) -> tuple[bytes, str]:
        """The text that Prometheus scrapes, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
