"""Cutting what is longer than a window, where it is quietest.

Only turns that nobody settled come here, and they are rare; files are cut at pauses by
the pipeline.
"""

import numpy as np

from services.asr.engines.base import SAMPLE_RATE, Samples
from services.asr.engines.whisper.window import WINDOW_S

SEARCH_S = 12.0
"""The cut is looked for in the last so many seconds of a full window."""
_FRAME = 320


def pieces(samples: Samples) -> list[Samples]:
    """The samples in windows of at most 30 s; nothing is lost or repeated."""
    out: list[Samples] = []
    most = int(WINDOW_S * SAMPLE_RATE)
    while len(samples) > most:
        at = _quietest(samples[:most])
        out.append(samples[:at])
        samples = samples[at:]
    return [*out, samples]


def _quietest(window: Samples) -> int:
    """The middle of the quietest 100 ms in the searched part, the last if several are equal."""
    first = len(window) - int(SEARCH_S * SAMPLE_RATE)
    tail = window[first:]
    frames = tail[: len(tail) // _FRAME * _FRAME].reshape(-1, _FRAME)
    energy = np.convolve(np.square(frames).mean(axis=1), np.ones(5) / 5, mode="valid")
    last = len(energy) - 1 - int(np.argmin(energy[::-1]))
    return first + (last + 2) * _FRAME + _FRAME // 2
