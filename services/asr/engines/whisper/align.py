"""When each word was said: cross-attention and dynamic time warping, a batch at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import ctranslate2
import numpy as np
from faster_whisper.tokenizer import Tokenizer

from services.asr.engines.base import SAMPLE_RATE, Samples, Word
from services.asr.engines.whisper.decode import rows
from services.asr.engines.whisper.tokens import Task, Vocabulary

SECONDS_PER_STEP = 0.02
"""Two frames of 10 ms: the encoder halves its input."""
OPENING = "\"'“¿([{-"
CLOSING = "\"'.。,，!！?？:：”)]}、"


@dataclass(frozen=True, slots=True)
class Text:
    """What is to be aligned with one row of the encoder's output."""

    row: int
    tokens: tuple[int, ...]
    """Text tokens alone."""
    frames: int
    """Frames of 10 ms with audio in them; the rest is padding."""
    language: str | None
    task: Task
    samples: Samples
    """The window's audio: a word that spans a pause is where the sound is."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """The words of one text, and how likely each of its tokens was."""

    words: tuple[Word, ...] = ()
    logprobs: tuple[float, ...] = ()
    """Natural logarithm, one a token."""


@dataclass(slots=True)
class _Piece:
    """A word while punctuation is being joined to it."""

    text: str
    start: float
    end: float
    probabilities: list[float]


def align(
    model: ctranslate2.models.Whisper,
    vocabulary: Vocabulary,
    encoded: ctranslate2.StorageView,
    texts: Sequence[Text],
) -> list[Alignment]:
    """Align each text with its row, in as few calls as exactness allows.

    Times are seconds from the window's start, monotonic, and inside its audio.
    """
    found: dict[int, Alignment] = {}
    for group in _groups(texts, vocabulary):
        start = vocabulary.tokenizer(group[0].language, group[0].task).sot_sequence
        results = model.align(
            rows(encoded, [text.row for text in group]),
            start,
            [list(text.tokens) for text in group],
            [text.frames for text in group],
        )
        for text, result in zip(group, results, strict=True):
            found[text.row] = _alignment(text, result, vocabulary)
    return [found.get(text.row, Alignment()) for text in texts]


def _groups(texts: Sequence[Text], vocabulary: Vocabulary) -> list[list[Text]]:
    """Texts that may share a call.

    A call has one start sequence. And where all windows of a call are equally long,
    CTranslate2 normalises the attention over the padding of the shorter texts too, which
    moves words; such texts go alone.
    """
    shared: dict[tuple[int, ...], list[Text]] = {}
    for text in texts:
        if text.tokens:
            start = vocabulary.tokenizer(text.language, text.task).sot_sequence
            shared.setdefault(tuple(start), []).append(text)
    groups: list[list[Text]] = []
    for group in shared.values():
        one_length = len({text.frames // 2 for text in group}) == 1
        uneven = len({len(text.tokens) for text in group}) > 1
        groups += [[text] for text in group] if one_length and uneven else [group]
    return groups


def _alignment(
    text: Text, result: "ctranslate2._ext.WhisperAlignmentResult", vocabulary: Vocabulary
) -> Alignment:
    probabilities = [max(float(p), 1e-10) for p in result.text_token_probs]
    logprobs = tuple(float(value) for value in np.log(probabilities))
    if not result.alignments:
        return Alignment((), logprobs)
    times = _token_times(result.alignments)
    pieces = _pieces(vocabulary.tokenizer(text.language, text.task), text, times, probabilities)
    length = text.frames / 100
    return Alignment(tuple(_words(_joined(pieces), length, text.samples)), logprobs)


def _token_times(path: Sequence[tuple[int, int]]) -> list[float]:
    """Seconds at which each token begins; the last entry is the end token's."""
    times: list[float] = []
    for token, step in path:
        while len(times) <= token:
            times.append(step * SECONDS_PER_STEP)
    return times


def _pieces(
    tokenizer: Tokenizer, text: Text, times: Sequence[float], probabilities: Sequence[float]
) -> list[_Piece]:
    words, tokens = tokenizer.split_to_word_tokens([*text.tokens, tokenizer.eot])
    pieces: list[_Piece] = []
    at = 0
    for word, own in zip(words[:-1], tokens[:-1], strict=True):
        until = at + len(own)
        start, end = (times[min(index, len(times) - 1)] for index in (at, until))
        pieces.append(_Piece(word, start, end, list(probabilities[at:until])))
        at = until
    return pieces


def _joined(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Punctuation becomes part of the word that it belongs to, and takes no time."""
    out: list[_Piece] = []
    opening = ""
    for piece in pieces:
        mark = piece.text.strip()
        if mark and mark in OPENING and piece.text.startswith(" "):
            opening += mark
        elif out and mark and mark in CLOSING and not piece.text.startswith(" "):
            out[-1].text += mark
        elif mark:
            out.append(_Piece(opening + mark, piece.start, piece.end, piece.probabilities))
            opening = ""
    if opening and out:
        out[-1].text += opening
    return out


def _words(pieces: Sequence[_Piece], length: float, samples: Samples) -> list[Word]:
    longest = _longest(pieces)
    words: list[Word] = []
    before = 0.0
    for index, piece in enumerate(pieces):
        start, end = max(piece.start, before), min(max(piece.end, piece.start), length)
        if end - start > longest and (index == 0 or _late(samples, start, end, longest)):
            start = end - longest
        end = max(min(end, start + longest), start)
        start = min(start, length)
        words.append(
            Word(piece.text, round(start, 2), round(end, 2), float(np.mean(piece.probabilities)))
        )
        before = end
    return words


def _late(samples: Samples, start: float, end: float, longest: float) -> bool:
    """Whether a word too long for one is said at the end of its span, after a pause."""
    return _power(samples, end - longest, end) > _power(samples, start, start + longest)


def _power(samples: Samples, start: float, end: float) -> float:
    part = samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
    return float(np.square(part).mean()) if len(part) else 0.0


def _longest(pieces: Sequence[_Piece]) -> float:
    """No word lasts much longer than its neighbours: pauses are not speech."""
    lengths = [piece.end - piece.start for piece in pieces if piece.end > piece.start]
    return max(2 * min(0.7, float(np.median(lengths))), 0.4) if lengths else 0.4
