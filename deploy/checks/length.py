"""No source file grows past the point where it holds two things."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 400
SOURCES = (".py", ".js", ".css", ".html", ".sh")


def problems(files: Iterable[tuple[str, str]]) -> list[str]:
    """One line per file of more than `LONGEST` lines."""
    return [
        f"{name}: {count} lines; split it below {LONGEST}"
        for name, text in files
        if name.endswith(SOURCES) and (count := text.count("\n")) > LONGEST
    ]
