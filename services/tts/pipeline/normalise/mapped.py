"""Text that remembers where each of its characters came from."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Replace = Callable[[re.Match[str]], str | None]
"""What a match is said as; `None` leaves it as it is written."""


@dataclass(frozen=True)
class Mapped:
    """`text[i]` was written as `origin[starts[i]:ends[i]]` of the user's text.

    Several characters may share one origin ("$5" said as "five dollars"); starts and ends never
    decrease, so a span of `text` maps to one span of the original.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def plain(cls, text: str, offset: int = 0) -> "Mapped":
        """`text` as it stands, found at `offset` of the original."""
        first = range(offset, offset + len(text))
        return cls(text, tuple(first), tuple(range(offset + 1, offset + len(text) + 1)))

    @classmethod
    def joined(cls, pieces: Iterable["Mapped"]) -> "Mapped":
        """The pieces one after another, in the order of their origins."""
        whole = tuple(pieces)
        return cls(
            "".join(piece.text for piece in whole),
            tuple(at for piece in whole for at in piece.starts),
            tuple(at for piece in whole for at in piece.ends),
        )

    def __len__(self) -> int:
        return len(self.text)

    def slice(self, start: int, end: int) -> "Mapped":
        """Characters `start` to `end` of the spoken text, with their origins."""
        return Mapped(self.text[start:end], self.starts[start:end], self.ends[start:end])

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that characters `start:end` of `text` speak.

        An empty span maps to the empty span where it stands.
        """
        if start >= end or start >= len(self.text):
            at = self.ends[-1] if self.ends and start >= len(self.ends) else self._start(start)
            return at, at
        return self.starts[start], self.ends[min(end, len(self.ends)) - 1]

    def _start(self, index: int) -> int:
        return self.starts[index] if self.starts else 0

    def replace(self, pattern: re.Pattern[str], replacement: Replace | str) -> "Mapped":
        """Every match said as `replacement`; its characters share the match's origin."""
        pieces: list[Mapped] = []
        done = 0
        for match in pattern.finditer(self.text):
            said = replacement if isinstance(replacement, str) else replacement(match)
            if said is None or said == match.group() or match.end() == match.start():
                continue
            pieces.append(self.slice(done, match.start()))
            pieces.append(self._said(said, match.start(), match.end()))
            done = match.end()
        if not pieces:
            return self
        pieces.append(self.slice(done, len(self.text)))
        return Mapped.joined(pieces)

    def _said(self, said: str, start: int, end: int) -> "Mapped":
        first, last = self.starts[start], self.ends[end - 1]
        return Mapped(said, (first,) * len(said), (last,) * len(said))

    def keep(self, pattern: re.Pattern[str], group: int) -> "Mapped":
        """Of every match only `group` stays, with its own origins (markup around words goes)."""
        pieces: list[Mapped] = []
        done = 0
        for match in pattern.finditer(self.text):
            pieces.append(self.slice(done, match.start()))
            pieces.append(self.slice(match.start(group), match.end(group)))
            done = match.end()
        if not pieces:
            return self
        pieces.append(self.slice(done, len(self.text)))
        return Mapped.joined(pieces)

    def translate(self, say: Callable[[str], str]) -> "Mapped":
        """Each character said as `say(character)`, which may be longer or empty."""
        said = [say(character) for character in self.text]
        if "".join(said) == self.text:
            return self
        return Mapped(
            "".join(said),
            tuple(at for at, new in zip(self.starts, said, strict=True) for _ in new),
            tuple(at for at, new in zip(self.ends, said, strict=True) for _ in new),
        )

    def stripped(self) -> "Mapped":
        """Without white space at either end."""
        start = len(self.text) - len(self.text.lstrip())
        return self.slice(start, max(start, len(self.text.rstrip())))


def alternatives(words: Sequence[str]) -> str:
    """A regular expression that matches any of `words`, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
