"""Cutting a stream of tokens into clauses worth speaking.

Nothing is changed or dropped: the pieces joined are the text, so that offsets which the
synthesiser reports are offsets in the reply.
"""

import re

_ENDS = re.compile(r"[.!?…][\"'”’)\]]*\s|[。！？]|\n")
_PAUSES = re.compile(r"[,;:–—]\s|[、，；：]")
_FIRST_CHARS = 12
"""The first clause may be this short: it decides when the user hears something."""
_LATER_CHARS = 40
_LONGEST_CHARS = 200
"""A run without punctuation is cut at a space here."""


class Clauses:
    """Gathers text and gives it back clause by clause."""

    def __init__(self) -> None:
        self._text = ""
        self._first = True

    def add(self, text: str) -> list[str]:
        """Take more text; gives the clauses that it completed."""
        self._text += text
        ready: list[str] = []
        while cut := self._cut():
            ready.append(self._text[:cut])
            self._text = self._text[cut:]
            self._first = False
        return ready

    def rest(self) -> str:
        """What has not been given yet; nothing more will come."""
        rest, self._text = self._text, ""
        return rest

    def _cut(self) -> int:
        for end in _ENDS.finditer(self._text):
            if self._text[: end.start()].strip() and not _abbreviated(self._text[: end.start()]):
                return end.end()
        least = _FIRST_CHARS if self._first else _LATER_CHARS
        for pause in _PAUSES.finditer(self._text):
            if pause.end() >= least:
                return pause.end()
        if len(self._text) > _LONGEST_CHARS:
            return self._text.rfind(" ", 0, _LONGEST_CHARS) + 1 or _LONGEST_CHARS
        return 0


_ABBREVIATIONS = ("mr", "mrs", "ms", "dr", "prof", "st", "e.g", "i.e", "vs", "nr", "z.b", "d.h")


def _abbreviated(before: str) -> bool:
    last = before.rsplit(maxsplit=1)[-1:] or [""]
    return last[0].lower() in _ABBREVIATIONS
