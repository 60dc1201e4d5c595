"""Text on its way to the model: normalised, cut, padded, and its length in speech."""

import re
from dataclasses import dataclass

from services.tts.engines.chatterbox.guards import Limits
from services.tts.engines.chatterbox.variants import Variant

_CHARACTERS_PER_SECOND = 14.0
"""Of English read at an ordinary pace."""
_TOKENS_PER_SECOND = 25
_SLOWEST, _FASTEST = 2.5, 4.0
"""Factors around the ordinary pace outside of which speech is a mistake of the model."""
_SPARE_SECONDS = 3.0
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Characters that stand for a syllable or more."""
_DENSE_WEIGHT = 3.0
MOST_TOKENS = 1000
"""40 s: no piece of a text takes longer, were it read ever so slowly."""
_SHORT = 12
"""Texts shorter than this come out as gibberish now and then."""

_COMMON = (
    ("\u2026", ", "), (":", ","), ("\u2014", "-"), ("\u2013", "-"), (" ,", ","),
    ("\u201c", '"'), ("\u201d", '"'), ("\u2018", "'"), ("\u2019", "'"),
)  # fmt: skip
_MORE = (("...", ", "), (" - ", ", "), (";", ", "))
_ENDINGS = (".", "!", "?", "-", ",", "\u3001", "\uff0c", "\u3002", "\uff1f", "\uff01")

_CUTS = (
    re.compile(r"[.!?\u3002\uff01\uff1f]+[\"')\]]*\s*"),
    re.compile(r"[;:,\u3001\uff0c\u2014]+\s*"),
    re.compile(r"\s+"),
)
"""Where a text may be cut, best places first."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a request's text."""

    text: str
    start: int
    """Offset of its first character in the request's text."""


def normalise(text: str, variant: Variant) -> str:
    """Punctuation as the model's training texts had it."""
    text = " ".join(text.split())
    if text[:1].islower():
        text = text[0].upper() + text[1:]
    replacements = _COMMON if variant is Variant.TURBO else (*_MORE, *_COMMON)
    for old, new in replacements:
        text = text.replace(old, new)
    text = text.rstrip(" ")
    return text if text.endswith(_ENDINGS) else text + "."


def split(text: str, longest: float) -> list[Span]:
    """Cut a text into pieces that say at most ``longest`` speech tokens at an ordinary pace.

    Cuts are made at the last sentence end that fits, else clause end, else space, else
    where the length is reached. Pieces of nothing but space are dropped.
    """
    spans: list[Span] = []
    start = 0
    while start < len(text):
        end = start + _fitting(text[start:], longest)
        if end < len(text):
            end = start + _cut(text[start:end])
        piece = text[start:end]
        if piece.strip():
            lead = len(piece) - len(piece.lstrip())
            spans.append(Span(piece.strip(), start + lead))
        start = end
    return spans


def _fitting(text: str, longest: float) -> int:
    """How many characters fit; at least one."""
    room: float = round(longest / _TOKENS_PER_SECOND * _CHARACTERS_PER_SECOND)
    for index, character in enumerate(text):
        room -= weight(character)
        if room < 0:
            return max(1, index)
    return len(text)


def _cut(window: str) -> int:
    for pattern in _CUTS:
        ends = [match.end() for match in pattern.finditer(window)]
        late = [end for end in ends if end >= len(window) // 3]
        if late:
            return late[-1]
    return len(window)


def is_short(text: str) -> bool:
    """Whether a text should be padded before it is spoken."""
    return weight(text) < _SHORT


def pad(text: str) -> str:
    """Lengthen a very short text with pauses, which are trimmed off again.

    The model speaks short texts well when something stands around them; marks of a pause
    are the one thing that adds no word.
    """
    return f"{text} ..." if text.endswith((".", "!", "?", ",")) else f"{text}. ..."


def weight(text: str) -> float:
    """Length in characters of an alphabet: ideographs and syllables count more."""
    dense = len(_DENSE.findall(text))
    return len(text) + dense * (_DENSE_WEIGHT - 1)


def speech_tokens(text: str) -> float:
    """How many speech tokens a text takes at an ordinary pace."""
    return weight(text) / _CHARACTERS_PER_SECOND * _TOKENS_PER_SECOND


def limits(text: str) -> Limits:
    """How many speech tokens a text may and must have."""
    usual = speech_tokens(text)
    most = usual * _SLOWEST + _SPARE_SECONDS * _TOKENS_PER_SECOND
    return Limits(least=int(usual / _FASTEST), most=min(int(most), MOST_TOKENS))
