"""What the engine made, cut into the chunks that the client asked for.

Sans-I/O. Times are seconds, and text offsets characters, from the start of the request.
"""

from dataclasses import dataclass, replace

import numpy as np

from services.tts.engines.base import SAMPLE_RATE, TOKENS_PER_SECOND, SpeechChunk, WordTime
from services.tts.pipeline.text import has_words
from services.tts.pipeline.utterance import Spoken
from shared.audio.pcm import Samples
from shared.audio.resample import Resampler
from shared.audio.stretch import TimeStretch

_TOKEN_SAMPLES = SAMPLE_RATE // TOKENS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Piece:
    """One audio chunk as the client gets it."""

    samples: Samples
    """float32 [n] at the client's rate."""
    seconds: float
    text_start: int
    text_end: int
    words: tuple[WordTime, ...]
    """The words that begin in it; offsets and spelling are those of the user's text."""


class Assembler:
    """Turns one request's clauses, spoken by an engine, into pieces.

    Args:
        rate: Hz of the pieces.
        chunk_size: tokens of 40 ms in a piece; None: one piece with everything.
        stretch: how many times faster the engine's speech is to be.
    """

    def __init__(self, rate: int, chunk_size: int | None, stretch: float = 1.0) -> None:
        self._rate = rate
        self._stretch = TimeStretch(stretch, SAMPLE_RATE)
        self._fed = 0
        """Samples that the engine made."""
        self._resampler = Resampler(SAMPLE_RATE, rate)
        self._length = None if chunk_size is None else chunk_size * _TOKEN_SAMPLES
        self._buffer: list[Samples] = []
        self._buffered = 0
        self._taken = 0
        """Samples handed out, stretched, at the engine's rate."""
        self._words: list[WordTime] = []
        self._text_end = 0
        self._clause: Spoken | None = None
        self._clause_began = 0.0
        self._made_any = False

    @property
    def seconds(self) -> float:
        """Audio that was fed so far, as it will be heard."""
        return self._fed / SAMPLE_RATE / self._stretch.speed

    def begin(self, clause: Spoken) -> None:
        """The chunks that follow speak `clause`."""
        self._clause = clause
        self._clause_began = self.seconds

    def feed(self, chunk: SpeechChunk) -> list[Piece]:
        """More of the current clause; the pieces that are full now.

        The request's first sound is passed on at once, however short.
        """
        self._fed += len(chunk.samples)
        self._hold(self._stretch.feed(chunk.samples))
        self._add_words(chunk.words)
        pieces = []
        while self._length is not None and self._buffered >= self._length:
            pieces.append(self._take(self._length))
        if self._length is not None and not self._made_any and self._buffered:
            pieces.append(self._take(self._buffered))
        return pieces

    def end_clause(self) -> list[Piece]:
        """The clause is over: what is left of it is not held back for the next one."""
        clause_end = self._clause.end if self._clause else self._text_end
        if self._length is None or not self._buffered:
            return []
        return [replace(self._take(self._buffered), text_end=self._cover(clause_end))]

    def finish(self, text_end: int) -> list[Piece]:
        """The request is over, its text `text_end` characters long."""
        self._hold(self._stretch.flush())
        last = self._take(self._buffered) if self._buffered else None
        tail = self._resampler.flush()
        if last is None and not (self._made_any and len(tail)):
            return []
        samples = tail if last is None else np.concatenate([last.samples, tail])
        start = self._text_end if last is None else last.text_start
        words = () if last is None else last.words
        seconds = len(samples) / self._rate
        return [Piece(samples, seconds, start, self._cover(text_end), words)]

    def _add_words(self, words: tuple[WordTime, ...]) -> None:
        if self._clause is None:
            return
        for told in words:
            word = self._stretched(told)
            start, end = self._clause.text.origin(word.text_start, word.text_end)
            if self._words and self._words[-1].text_start == start:
                last = self._words.pop()
                self._words.append(replace(last, end=word.end))
                continue
            if start < self._said_until():
                continue
            written = self._clause.written(start, end)
            self._words.append(replace(word, word=written, text_start=start, text_end=end))

    def _stretched(self, word: WordTime) -> WordTime:
        """Its times in the request as it is heard."""
        start, end = (
            self._clause_began + at / self._stretch.speed for at in (word.start, word.end)
        )
        return replace(word, start=start, end=end)

    def _hold(self, samples: Samples) -> None:
        if len(samples):
            self._buffer.append(samples)
            self._buffered += len(samples)

    def _said_until(self) -> int:
        return self._words[-1].text_end if self._words else self._text_end

    def _take(self, count: int) -> Piece:
        whole = np.concatenate(self._buffer) if len(self._buffer) != 1 else self._buffer[0]
        head, rest = whole[:count], whole[count:]
        self._buffer = [rest] if len(rest) else []
        self._buffered -= count
        self._taken += count
        self._made_any = True
        until = self._taken / SAMPLE_RATE
        words = tuple(word for word in self._words if word.start < until)
        self._words = self._words[len(words) :]
        samples = self._resampler.feed(head)
        start = self._text_end
        end = self._cover(self._with_marks(words[-1].text_end)) if words else start
        return Piece(samples, len(samples) / self._rate, start, end, words)

    def _with_marks(self, end: int) -> int:
        """The end of the clause where only marks follow; nobody hears them."""
        clause = self._clause
        if clause is None or has_words(clause.written(end, clause.end)):
            return end
        return max(end, clause.end)

    def _cover(self, end: int) -> int:
        self._text_end = max(self._text_end, end)
        return self._text_end
