"""docs/metrics.md: every metric, as the services declare it."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import CollectorRegistry

from deploy.docs.services import metrics
from deploy.docs.table import table

HEAD = """\
# Metrics

Generated from the metrics classes by `make docs`; do not edit. Each service answers
`GET /metrics` in Prometheus's text format; times are in seconds. Beside what is listed here each
tells of its process under the names that Prometheus's clients agree on, among them
`process_resident_memory_bytes`, `process_cpu_seconds_total` and `process_open_fds`. A GPU's load
and memory are the driver's to tell: NVIDIA's DCGM exporter has both.
"""


def document() -> str:
    """The whole page."""
    parts = [HEAD]
    for service, declared in metrics().items():
        rows = sorted(_rows(declared.registry))
        parts.append(f"## {service}\n\n{table(('metric', 'kind', 'labels', 'meaning'), rows)}")
    return "\n".join(parts)


def _rows(registry: CollectorRegistry) -> Iterator[tuple[str, ...]]:
    # The registry has no public list of what is declared, only of what was observed.
    for collector in list(registry._collector_to_names):
        if isinstance(collector, MetricWrapperBase):
            [family] = collector.describe()
            suffix = "_total" if family.type == "counter" else ""
            labels = ", ".join(f"`{label}`" for label in collector._labelnames)
            yield f"`{family.name}{suffix}`", family.type, labels, family.documentation
