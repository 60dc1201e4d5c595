"""An observer that writes down what it hears."""

from collections.abc import Sequence
from typing import Any

from shared.scheduling.job import Job


class Recorder:
    """What a runner told its operator."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        """Jobs in each."""
        self.waits: list[tuple[int, float]] = []
        """Priority, and seconds until the first step."""
        self.failures: list[str] = []

    def stepped(
        self, lane: int, batch: Sequence[Job[Any, Any]], seconds: float, waiting: int
    ) -> None:
        self.steps.append(len(batch))

    def began(self, priority: int, waited_s: float) -> None:
        self.waits.append((priority, waited_s))

    def failed(self, code: str) -> None:
        self.failures.append(code)
