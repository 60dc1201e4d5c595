"""Telling text from noise: what a decoding must pass before anybody sees it.

Whisper invents text on silence and falls into loops. The thresholds are OpenAI's; the
loop cutter is for what is left when every temperature has failed.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from services.asr.engines.whisper.window import Hypothesis


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where a decoding counts as broken."""

    compression_ratio: float = 2.4
    """Above it the text repeats itself."""
    avg_logprob: float = -1.0
    """Below it the model was guessing."""
    no_speech: float = 0.6
    """Above it, and guessing, there was no speech."""
    loops: int = 4
    """Repetitions in a row that make a loop."""


def compression_ratio(text: str) -> float:
    """Bytes of the text over bytes of its zlib form; 1.0 for none."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 1.0


def is_silence(found: Hypothesis, limits: Thresholds) -> bool:
    """Whether the model itself says that nobody spoke."""
    return found.no_speech_prob > limits.no_speech and found.avg_logprob < limits.avg_logprob


def is_broken(found: Hypothesis, limits: Thresholds) -> bool:
    """Whether another temperature should be tried."""
    if is_silence(found, limits):
        return False
    repeats = found.compression_ratio > limits.compression_ratio
    return repeats or found.avg_logprob < limits.avg_logprob


def best(tried: Sequence[Hypothesis], limits: Thresholds) -> Hypothesis:
    """The likeliest of the decodings that do not repeat themselves, else of all."""
    calm = [found for found in tried if found.compression_ratio <= limits.compression_ratio]
    return max(calm or tried, key=lambda found: found.avg_logprob)


def without_loops(tokens: Sequence[int], loops: int) -> tuple[int, ...]:
    """The tokens with every run of ``loops`` or more equal phrases cut to one.

    A run is counted from two tokens on; a single token must come twice as often, because
    people do say "no no no no".
    """
    kept = list(tokens)
    for size in range(1, max(len(kept) // loops, 1) + 1):
        needed = loops * 2 if size == 1 else loops
        kept = _collapse(kept, size, needed)
    return tuple(kept)


def _collapse(tokens: list[int], size: int, needed: int) -> list[int]:
    out: list[int] = []
    at = 0
    while at < len(tokens):
        phrase = tokens[at : at + size]
        times = 1
        while tokens[at + times * size : at + (times + 1) * size] == phrase:
            times += 1
        if times >= needed and len(phrase) == size:
            out += phrase
            at += times * size
        else:
            out.append(tokens[at])
            at += 1
    return out
