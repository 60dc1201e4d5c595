"""From the tokens of a window to the segments of OpenAI's verbose_json."""

from collections.abc import Sequence

from services.asr.engines.base import Segment, Word
from services.asr.engines.whisper.align import SECONDS_PER_STEP
from services.asr.engines.whisper.guards import compression_ratio
from services.asr.engines.whisper.tokens import Vocabulary
from services.asr.engines.whisper.window import Hypothesis

Span = tuple[float, float, tuple[int, ...]]
"""Start and end in seconds, and the text tokens between."""


def segments(
    found: Hypothesis, vocabulary: Vocabulary, words: Sequence[Word], length: float
) -> tuple[Segment, ...]:
    """The segments of a window.

    Args:
        found: the accepted decoding; its timestamp tokens, if any, cut it.
        vocabulary: of the model that made it.
        words: their times bound the only segment where there are no timestamp tokens.
        length: seconds of audio in the window.
    """
    spans = _spans(found.tokens, vocabulary, length)
    if len(spans) == 1 and words:
        spans = [(words[0].start, words[-1].end, spans[0][2])]
    return tuple(
        Segment(
            start=round(start, 2),
            end=round(end, 2),
            text=text,
            tokens=tokens,
            temperature=found.temperature,
            avg_logprob=found.avg_logprob,
            compression_ratio=compression_ratio(text),
            no_speech_prob=found.no_speech_prob,
        )
        for start, end, tokens in spans
        if (text := vocabulary.text(tokens))
    )


def _spans(tokens: Sequence[int], vocabulary: Vocabulary, length: float) -> list[Span]:
    """Pairs of timestamps around text; a missing one is the window's edge."""
    first = vocabulary.first_timestamp
    spans: list[Span] = []
    start, text = 0.0, list[int]()
    for token in tokens:
        if token < first:
            text.append(token)
            continue
        at = min((token - first) * SECONDS_PER_STEP, length)
        if text:
            spans.append((start, max(at, start), tuple(text)))
            text = []
        start = at
    if text:
        spans.append((min(start, length), length, tuple(text)))
    return spans
