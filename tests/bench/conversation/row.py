"""One line of the table."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.conversation.script import FRAME_S, Clock, percentile

COLUMNS = (
    "what",
    "N",
    "turns answered",
    "turn p50 ms",
    "turn p95 ms",
    "duck p95 ms",
    "clear p95 ms",
    "stale frames",
    "CPU s per conversation-s",
    "RSS each MiB",
    "load",
)

Cells = tuple[str | float, ...]


@dataclass(frozen=True)
class Row:
    """What a run showed."""

    name: str
    clocks: Sequence[Clock]
    cpu_s: float
    rss_mib: float
    """What the conversations added, all together."""
    load: float

    def cells(self) -> Cells:
        """In the order of the columns."""
        count = len(self.clocks)
        turns = [value for clock in self.clocks for value in clock.turns]
        ducks = [value for clock in self.clocks for value in clock.ducks]
        clears = [value for clock in self.clocks for value in clock.clears]
        spoken = sum(len(clock.plan.tone) for clock in self.clocks) * FRAME_S
        return (
            self.name,
            str(count),
            f"{len(turns)}/{sum(len(clock.plan.ends) for clock in self.clocks)}",
            *(percentile(turns, share) * 1000 for share in (0.5, 0.95)),
            percentile(ducks, 0.95) * 1000,
            percentile(clears, 0.95) * 1000,
            str(sum(clock.stale for clock in self.clocks)),
            f"{self.cpu_s / spoken:.4f}",
            self.rss_mib / count,
            f"{self.load:.1f}",
        )


def of_peer(report: dict[str, Any]) -> Cells:
    """The same from a peer's own report; it knows one kind of barge-in."""
    nan = float("nan")
    turn, barge = report["turn_ms"], report["barge_ms"]
    added = report["rss_mib"] - report["rss_warm_mib"]
    return (
        f"{report['peer']} {report.get('version', '')}{', in step' * report['lockstep']}".strip(),
        str(report["n"]),
        report["turns"],
        turn["p50"] or nan,
        turn["p95"] or nan,
        nan,
        barge["p95"] or nan,
        str(report["audio_after_clear"]),
        f"{report['cpu_per_conversation_s']:.4f}",
        added / report["n"],
        f"{report['load'][0]:.1f}",
    )


def load() -> float:
    """Of the machine, the last minute."""
    return os.getloadavg()[0]
