"""The settings and metrics classes of the three services."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator

from shared.config import Settings
from shared.metrics import Metrics
from shared.scheduling.metrics import SchedulingMetrics

SERVICES = ("asr", "tts", "orchestrator")
SCHEDULED = ("asr", "tts")
"""The services that own a model, and so count its steps."""


def settings() -> dict[str, type[Settings]]:
    """Each service's settings class."""
    found = {}
    for service in SERVICES:
        for kind in _classes(f"services.{service}.config"):
            if issubclass(kind, Settings):
                found[service] = kind
    return found


def metrics() -> dict[str, Metrics]:
    """Each service's metrics, declared as it declares them at its start."""
    return {service: _declared(service) for service in SERVICES}


def _declared(service: str) -> Metrics:
    kinds = list(_classes(f"services.{service}.metrics"))
    own: list[Callable[[], Metrics]] = [kind for kind in kinds if issubclass(kind, Metrics)]
    declared = own[0]() if own else Metrics(service)
    if service in SCHEDULED:
        SchedulingMetrics(declared)
    return declared


def _classes(module: str) -> Iterator[type]:
    if importlib.util.find_spec(module) is None:
        return
    for value in vars(importlib.import_module(module)).values():
        if isinstance(value, type) and value.__module__ == module:
            yield value
