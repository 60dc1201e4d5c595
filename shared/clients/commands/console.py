"""The terminal: results on standard output, everything about them on standard error."""

import sys
from dataclasses import dataclass, field
from typing import TextIO

_WIDTH = 30


@dataclass(slots=True)
class Console:
    """Where a command writes."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)

    def line(self, text: str) -> None:
        """A line of the result."""
        self.out.write(f"{text}\n")
        self.out.flush()

    def note(self, text: str) -> None:
        """A line about the result."""
        self.err.write(f"{text}\n")
        self.err.flush()

    def bar(self, label: str) -> "Bar":
        """A progress bar; shown on terminals only."""
        return Bar(label, self.err, shown=self.err.isatty())


class Bar:
    """``label [#####     ]  50 %``, drawn over itself when it has moved."""

    def __init__(self, label: str, stream: TextIO, *, shown: bool) -> None:
        self._label = label
        self._stream = stream
        self._shown = shown
        self._drawn = ""

    def show(self, share: float, doing: str) -> None:
        """Draw a share of the whole, 0 to 1, and what is being done."""
        share = min(max(share, 0.0), 1.0)
        filled = "#" * round(share * _WIDTH)
        text = f"{self._label} [{filled:<{_WIDTH}}] {share:4.0%} {doing}"
        if self._shown and text != self._drawn:
            self._stream.write(f"\r{text:<{len(self._drawn)}}")
            self._stream.flush()
            self._drawn = text

    def clear(self) -> None:
        """Leave the line empty for what follows."""
        if self._drawn:
            self._stream.write(f"\r{'':<{len(self._drawn)}}\r")
            self._stream.flush()
            self._drawn = ""
