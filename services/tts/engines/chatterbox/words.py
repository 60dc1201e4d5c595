"""When each word is spoken: spread over the audio by length, and said to be so.

While a piece of text is still being decoded its length is a guess from its text; words
go out with the audio that they are thought to begin in.
"""

from dataclasses import dataclass, field, replace

from services.tts.engines.base import WordTime
from services.tts.engines.chatterbox.text import Span, weight
from services.tts.engines.spread import spread

_PACE = 14.0
"""Characters a second."""


@dataclass(slots=True)
class WordClock:
    """The words of one piece of text, handed out as its audio is.

    Attributes:
        begun: seconds of the request's audio before the piece.
    """

    span: Span
    begun: float
    _left: list[WordTime] = field(default_factory=list)
    _at: float = 0.0

    def __post_init__(self) -> None:
        self._left = list(spread(self.span.text, 1.0))

    def until(self, made: float, total: float | None, *, last: bool) -> tuple[WordTime, ...]:
        """The words that begin before ``made``.

        Args:
            made: seconds of the piece given out so far.
            total: its whole length where that is known.
            last: whether this is the piece's end; then no word is kept back.
        """
        length = total if total is not None else weight(self.span.text) / _PACE
        end = float("inf") if total is None else total
        words = []
        while self._left and (last or self._left[0].start * length < made):
            word = self._left.pop(0)
            start = min(max(self._at, word.start * length), end)
            self._at = max(start, min(word.end * length, end))
            words.append(self._placed(word, start, self._at))
        return tuple(words)

    def _placed(self, word: WordTime, start: float, end: float) -> WordTime:
        return replace(
            word,
            start=self.begun + start,
            end=self.begun + end,
            text_start=self.span.start + word.text_start,
            text_end=self.span.start + word.text_end,
        )
