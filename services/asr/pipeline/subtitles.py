"""SRT and WebVTT from a transcript."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

from services.asr.engines.base import Segment, Transcript, Word
from services.asr.languages import space

LONGEST_CUE_S = 6.0
LONGEST_LINE = 42
"""Columns; a cue has at most two lines."""
GAP_S = 1.0
"""A pause between words that ends a cue."""
SHORTEST_CUE_S = 0.02
_SENTENCE_ENDS = (".", "?", "!", "。", "？", "！")


@dataclass(frozen=True, slots=True)
class Cue:
    """A text and when it is shown, in seconds."""

    start: float
    end: float
    text: str


def cues(transcript: Transcript) -> list[Cue]:
    """Readable cues: from word times where there are any, else one a segment.

    They are in order, do not overlap, and each lasts longer than nothing.
    """
    between = space(transcript.language)
    words, segments = transcript.words, transcript.segments
    found = _from_words(words, between) if words else _whole(segments)
    out: list[Cue] = []
    for index, cue in enumerate(found):
        start = max(cue.start, out[-1].end if out else 0.0)
        end = max(cue.end, start + SHORTEST_CUE_S)
        if index + 1 < len(found):
            end = max(min(end, found[index + 1].start), start + SHORTEST_CUE_S)
        out.append(Cue(start, end, cue.text))
    return out


def srt(transcript: Transcript) -> str:
    """SubRip: numbered cues, comma before the milliseconds."""
    blocks = [
        f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{_lines(cue.text)}\n"
        for number, cue in enumerate(cues(transcript), 1)
    ]
    return "\n".join(blocks)


def vtt(transcript: Transcript) -> str:
    """WebVTT: a header, point before the milliseconds, `&`, `<` and `>` escaped."""
    blocks = [
        f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n{_escaped(_lines(cue.text))}\n"
        for cue in cues(transcript)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _from_words(words: Sequence[Word], between: str) -> list[Cue]:
    out: list[Cue] = []
    group: list[Word] = []
    for word in words:
        if group and _is_full(group, word, between):
            out.append(_cue(group, between))
            group = []
        group.append(word)
    return [*out, _cue(group, between)]


def _is_full(group: Sequence[Word], word: Word, between: str) -> bool:
    length = sum(_width(each.word + between) for each in group) + _width(word.word)
    return (
        word.start - group[-1].end > GAP_S
        or word.end - group[0].start > LONGEST_CUE_S
        or length > 2 * LONGEST_LINE
        or (group[-1].word.endswith(_SENTENCE_ENDS) and length > LONGEST_LINE)
    )


def _cue(group: Sequence[Word], between: str) -> Cue:
    return Cue(group[0].start, group[-1].end, between.join(word.word for word in group))


def _whole(segments: Iterable[Segment]) -> list[Cue]:
    return [Cue(segment.start, segment.end, segment.text) for segment in segments]


def _lines(text: str) -> str:
    """The text in two lines when one would be too long; never an empty line."""
    flat = " ".join(text.split())
    if _width(flat) <= LONGEST_LINE:
        return flat
    breaks = [n for n, letter in enumerate(flat) if letter == " "]
    breaks = breaks or [n for n, letter in enumerate(flat) if n and _width(letter) > 1]
    if not breaks:
        return flat
    middle = min(breaks, key=lambda index: abs(index - len(flat) / 2))
    return flat[:middle] + "\n" + flat[middle:].lstrip(" ")


def _width(text: str) -> int:
    """Columns: Chinese and Japanese letters are twice as wide as Latin ones."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    whole, left = divmod(rest, 1000)
    return f"{hours:02d}:{minutes:02d}:{whole:02d}{point}{left:03d}"
