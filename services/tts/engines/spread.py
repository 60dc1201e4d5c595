"""Word times for engines that tell none: the audio is shared out by the length of the words."""

import re
from dataclasses import replace

from services.tts.engines.base import SAMPLE_RATE, WordTime

_WORD = re.compile(r"[^\s]*\w[^\s]*")
_MARKS = re.compile(r"^\W+|\W+$")
_CHARS_PER_SECOND = 15
_PAUSE_CHARS = 3
"""What a mark after a word is worth, in characters."""


def spread(text: str, seconds: float) -> tuple[WordTime, ...]:
    """Every word of `text`, as if each character took the same time."""
    matches = list(_WORD.finditer(text))
    weights = [_weight(match.group()) for match in matches]
    total = sum(weights) or 1
    words, at = [], 0.0
    for match, weight in zip(matches, weights, strict=True):
        name = _MARKS.sub("", match.group())
        start = match.start() + match.group().find(name)
        end = at + seconds * weight / total
        words.append(WordTime(name, at, end, start, start + len(name), estimated=True))
        at = end
    return tuple(words)


def _weight(word: str) -> int:
    return len(word) + 1 + (_PAUSE_CHARS if word[-1] in ",.;:!?" else 0)


class Pacing:
    """Likewise for audio that streams in, of which nobody knows how long it will be.

    Args:
        speed: 1 is a usual pace.
    """

    def __init__(self, text: str, speed: float = 1.0) -> None:
        usual_s = len(text) / _CHARS_PER_SECOND / speed
        self._waiting = list(spread(text, usual_s))
        self._samples = 0

    def heard(self, samples: int) -> tuple[WordTime, ...]:
        """The words that begin in the next samples."""
        self._samples += samples
        until = self._samples / SAMPLE_RATE
        begun = tuple(word for word in self._waiting if word.start < until)
        self._waiting = self._waiting[len(begun) :]
        return begun

    def rest(self) -> tuple[WordTime, ...]:
        """The audio ended sooner than was thought: what is left was said in its last moment."""
        end = self._samples / SAMPLE_RATE
        rest, self._waiting = self._waiting, []
        return tuple(replace(word, start=end, end=end) for word in rest)
