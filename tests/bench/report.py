"""Tables of measurements, each in its own section of docs/benchmarks.md."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_HEAD = """# Benchmarks

Measured, not promised: each section says with which command and on which machine. The
sections are written by the benches themselves (`make bench-asr` and its like).
"""


@dataclass(frozen=True, slots=True)
class Table:
    """One measurement."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | float]]
    notes: Sequence[str] = field(default_factory=tuple)
    """What a reader must know to judge the numbers."""

    def markdown(self) -> str:
        """The table with its title and notes."""
        lines = [f"### {self.title}", "", *self.notes, ""] if self.notes else [f"### {self.title}"]
        head = [_line(self.columns), _line(["---"] * len(self.columns))]
        body = [_line([_cell(value) for value in row]) for row in self.rows]
        return "\n".join([*lines, *([] if self.notes else [""]), *head, *body])


def write(name: str, title: str, command: str, tables: Sequence[Table]) -> None:
    """Replace the section ``name`` of the document, or add it at the end."""
    text = DOCUMENT.read_text() if DOCUMENT.exists() else _HEAD
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    made = f"Made by `{command}` on {datetime.now(UTC):%Y-%m-%d}: {machine()}."
    parts = [begin, f"## {title}", made, *(table.markdown() for table in tables), end]
    section = "\n\n".join(parts)
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if pattern.search(text):
        text = pattern.sub(lambda _: section, text)
    else:
        text = f"{text.rstrip()}\n\n{section}\n"
    DOCUMENT.write_text(text)


def machine() -> str:
    """Processor, cores and what else runs, in one phrase."""
    cores = len(os.sched_getaffinity(0))
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    load = os.getloadavg()[0]
    python = platform.python_version()
    return f"{model}, {cores} cores, Python {python}, load average before it {load:.1f}"


def spread(seconds: Sequence[float]) -> tuple[float, float, float]:
    """Median, 95th percentile and maximum in milliseconds."""
    if not seconds:
        return float("nan"), float("nan"), float("nan")
    ms = np.asarray(seconds) * 1000
    return float(np.median(ms)), float(np.percentile(ms, 95)), float(ms.max())


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return value
    if value != value:  # noqa: PLR0124 - NaN
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
