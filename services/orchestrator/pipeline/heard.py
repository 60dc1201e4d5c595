"""Which words of a reply were heard, from how much of its audio was played."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.orchestrator.pipeline.words import spans


@dataclass(frozen=True, slots=True)
class Spoken:
    """What one piece of audio says."""

    text_start: int
    """Offset of its first character in the reply's text."""
    text_end: int
    words: Sequence[tuple[float, float]] = ()
    """Start and end of each word in seconds from the reply's first sample; may be empty."""


@dataclass(slots=True)
class HeardText:
    """Marks that tie positions in the audio to positions in the text.

    A word counts as heard when half of it was played. Where the engine gives no word
    times, the words of a piece are spread over its characters.
    """

    _at_s: list[float] = field(default_factory=list)
    _upto: list[int] = field(default_factory=list)
    _base_s: float | None = None
    """Where the reply's first sample lies in the turn's audio (a filler may come before)."""

    def add(self, text: str, spoken: Spoken, start_s: float, duration_s: float) -> None:
        """Take note of a piece.

        Args:
            text: the reply's text as far as it is known.
            spoken: what the piece says.
            start_s: where the piece begins in the turn's audio.
            duration_s: how long it is.
        """
        if self._base_s is None:
            self._base_s = start_s
        inside = [span for span in spans(text) if spoken.text_start <= span[0] < spoken.text_end]
        for number, (begin, end) in enumerate(inside):
            if spoken.words:
                # An engine may say "$5" in two words: match by share, not by number.
                word = spoken.words[number * len(spoken.words) // len(inside)]
                at_s = self._base_s + sum(word) / 2
            else:
                length = spoken.text_end - spoken.text_start
                share = ((begin + end) / 2 - spoken.text_start) / length
                at_s = start_s + min(share, 1.0) * duration_s
            self._at_s.append(max(at_s, self._at_s[-1]) if self._at_s else at_s)
            self._upto.append(end)

    def upto(self, text: str, played_s: float) -> str:
        """The part of ``text`` that was heard once ``played_s`` seconds were played."""
        index = bisect_right(self._at_s, played_s)
        if index == 0:
            return ""
        end = self._upto[index - 1]
        while end < len(text) and not text[end].isalnum() and not text[end].isspace():
            end += 1
        return text[:end].rstrip()
