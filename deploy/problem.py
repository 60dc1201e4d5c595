"""What stops an install or a start, in the words its reader needs."""

from __future__ import annotations


class Problem(Exception):
    """Something the person at the terminal can mend: what is wrong, and the remedy."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}\n  remedy: {self.remedy}"
