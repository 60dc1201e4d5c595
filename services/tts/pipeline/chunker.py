"""Text cut into clauses as it arrives: the first one early, none longer than the engine can say.

Sans-I/O: text in, clauses out. A language model's tokens may be fed as they come.
"""

import re
from dataclasses import dataclass

from services.tts.pipeline.normalise.abbreviations import NEVER_END

_FIRST_AT_LEAST = 12
"""Characters of the first clause: shorter ones sound chopped, longer ones keep people waiting."""
_CLAUSE_AT_LEAST = 60
"""Characters of a later clause that ends at a comma and not at a sentence's end."""
_SENTENCE_AT_LEAST = 24
"""Characters of a later clause that ends a sentence; shorter sentences join the next one."""

_STOP = re.compile(r"[.!?…]+[\"'”’)\]*_]*(?=\s)|\n+|[。！？]+[”’」』）]*")
_PAUSE = re.compile(r"[,;:][\"'”’)*_]*(?=\s)|\s[—–-](?=\s)|[，；：、]|—")
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])*")
_WORD_BEFORE = re.compile(r"([^\s.]*(?:\.[^\s.]+)*)\.$")


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of the user's text, spoken in one go."""

    text: str
    start: int
    """Offset of its first character in the user's whole text."""

    @property
    def end(self) -> int:
        """Offset just after its last character."""
        return self.start + len(self.text)


class Chunker:
    """Cuts one request's text.

    Args:
        longest: characters the engine says safely in one go.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._buffer = ""
        self._start = 0
        self._cut_any = False
        self._searched = 0

    @property
    def received(self) -> int:
        """Characters fed so far."""
        return self._start + len(self._buffer)

    def feed(self, text: str) -> list[Clause]:
        """More text; the clauses that it completes."""
        self._buffer += text
        clauses = []
        while (end := self._next_end()) is not None:
            clauses += self._take(end)
        return clauses

    def flush(self) -> list[Clause]:
        """What is there is spoken now, ended or not."""
        clauses = self.feed("")
        return clauses + self._take(len(self._buffer))

    def _take(self, end: int) -> list[Clause]:
        text, start = self._buffer[:end], self._start
        self._buffer = self._buffer[end:]
        self._start += end
        self._searched = 0
        if not text.strip():
            return []
        self._cut_any = True
        return [Clause(text, start)]

    def _next_end(self) -> int | None:
        """Where the next clause ends, or None while that is not known."""
        # Long texts are fed whole: only as much is looked at as one clause may hold.
        window = self._buffer[: self._longest + 1]
        if len(window) > self._searched:
            end = self._end_in(window)
            if end is not None:
                return end
            self._searched = len(window)
        if len(self._buffer) > self._longest:
            return self._forced_end(window)
        return None

    def _end_in(self, window: str) -> int | None:
        sentence = _SENTENCE_AT_LEAST if self._cut_any else _FIRST_AT_LEAST
        pause = _CLAUSE_AT_LEAST if self._cut_any else _FIRST_AT_LEAST
        ends = [
            match.end()
            for match in _STOP.finditer(window)
            if match.end() <= self._longest
            and _long(window[: match.end()], sentence)
            and _is_stop(window, match)
        ]
        if ends and self._cut_any:
            return ends[0]
        pauses = [
            match.end()
            for match in _PAUSE.finditer(window)
            if match.end() <= self._longest
            and _long(window[: match.end()], pause)
            and _is_pause(window, match)
        ]
        return min(ends[:1] + pauses[:1], default=None)

    def _forced_end(self, window: str) -> int:
        """A run without a clause end is cut at a pause, at white space, or wherever it must be."""
        pauses = [match.end() for match in _PAUSE.finditer(window) if match.end() < len(window)]
        if pauses and pauses[-1] > self._longest // 3:
            return pauses[-1]
        space = max(window.rfind(" "), window.rfind("\n"), window.rfind("\t"))
        return space if space > self._longest // 3 else self._longest


def _long(text: str, least: int) -> bool:
    """Whether `text` is worth a clause; one ideograph or kana says as much as three letters."""
    length = sum(3 if character >= "\u2e80" else 1 for character in text.strip())
    return length >= least


def _is_stop(text: str, match: re.Match[str]) -> bool:
    """Whether the mark ends a sentence and not an abbreviation, an initial or a list's number."""
    if not match.group().startswith(".") or match.group().startswith(".."):
        return True
    word = _WORD_BEFORE.search(text[: match.start() + 1])
    if word is None:
        return True
    name = word[1].lstrip("(\"'“‘*_").lower()
    if name in NEVER_END or _INITIALS.fullmatch(name):
        return False
    alone = text[: word.start()].rpartition("\n")[2].strip() == ""
    return not (name.isdigit() and alone)


def _is_pause(text: str, match: re.Match[str]) -> bool:
    """Whether the mark stands outside a Markdown link's brackets."""
    before = text[: match.start()]
    return before.rfind("[") <= before.rfind("]") and before.rfind("](") <= before.rfind(")")
