"""The ``final`` of a turn: the engine's words in the time of the stream."""

from dataclasses import dataclass

from services.asr.engines.base import SAMPLE_RATE, Transcript
from shared.protocol.asr import Final, WordMessage


@dataclass(frozen=True, slots=True)
class Span:
    """Where a turn lies, in samples of the stream."""

    since: int
    """First sample that the engine was fed."""
    fed: int
    """How many samples it was fed."""
    speech_at: int
    """First sample of speech."""
    spoken_until: int
    """End of the speech."""


def final_message(transcript: Transcript, span: Span, segment: int, *, words: bool) -> Final:
    """The message that ends a turn.

    Args:
        words: whether the client wants them; the times of the turn go by them anyway.
    """
    placed = _placed(transcript, span) if transcript.text else ()
    start, end = seconds(span.speech_at), seconds(span.spoken_until)
    if placed:
        start, end = min(start, placed[0].start), max(end, placed[-1].end)
    return Final(
        text=transcript.text,
        start=start,
        end=end,
        language=transcript.language,
        confidence=round(transcript.confidence, 3),
        words=placed if words else (),
        segment=segment,
    )


def seconds(samples: float) -> float:
    """Samples of the stream as seconds, to the millisecond."""
    return round(samples / SAMPLE_RATE, 3)


def _placed(transcript: Transcript, span: Span) -> tuple[WordMessage, ...]:
    """The words in stream time, in order and inside of what was fed."""
    last, limit = 0.0, span.fed / SAMPLE_RATE
    placed = []
    for word in transcript.words:
        start = min(max(word.start, last), limit)
        last = min(max(word.end, start), limit)
        placed.append(
            WordMessage(
                word=word.word,
                start=seconds(span.since + start * SAMPLE_RATE),
                end=seconds(span.since + last * SAMPLE_RATE),
                confidence=round(word.confidence, 3),
            )
        )
    return tuple(placed)
