"""Words as they are compared here: lower case, no punctuation, hyphens and apostrophes kept."""

import re

_WORD = re.compile(r"\w+(?:['’-]\w+)*")


def words(text: str) -> tuple[str, ...]:
    """The words of ``text`` in order, normalised for comparison."""
    return tuple(match.replace("’", "'") for match in _WORD.findall(text.lower()))


def spans(text: str) -> tuple[tuple[int, int], ...]:
    """Where the words of ``text`` lie: start and end offsets in characters."""
    return tuple(match.span() for match in _WORD.finditer(text))


def same(left: str, right: str) -> bool:
    """Whether two texts hold the same words."""
    return words(left) == words(right)
