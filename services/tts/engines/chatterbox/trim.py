"""What the model adds after the last word: silence, and now and then a burst of noise."""

import numpy as np
from numpy.typing import NDArray

_RATE = 24_000
_FRAME = _RATE // 50
"""Samples over which level is measured, 20 ms."""
_QUIET = 0.03
"""Level, of the utterance's loudest, below which a frame is silence."""
_LOW = 0.25
"""Level, of the utterance's loudest, that a noise after a pause stays below."""
_BURST = 6
"""Frames that such a noise lasts at most."""
_PAUSE = 12
"""Frames of silence before it."""
_REST = 6
"""Frames of silence that stay after the last word."""

Samples = NDArray[np.float32]


def level(samples: Samples) -> float:
    """Root mean square of the loudest frame."""
    frames = _levels(samples)
    return float(frames.max(initial=0.0))


def trim_tail(samples: Samples, loudest: float) -> Samples:
    """An utterance's last samples without silence and noise at their end.

    Args:
        samples: float32 [n], 24 kHz.
        loudest: :func:`level` of the whole utterance.
    """
    levels = _levels(samples)
    speech = levels > _QUIET * loudest
    end = _after_speech(speech, levels < _LOW * loudest)
    kept = min(len(samples), (end + _REST) * _FRAME)
    trimmed = samples[:kept].copy()
    fade = min(_FRAME, kept)
    trimmed[kept - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return trimmed


def _after_speech(speech: NDArray[np.bool_], low: NDArray[np.bool_]) -> int:
    """Index of the first frame after the last word."""
    runs = _runs(speech)
    while len(runs) > 1:
        (_, before), (start, end) = runs[-2], runs[-1]
        is_noise = end - start <= _BURST and start - before >= _PAUSE and low[start:end].all()
        if not is_noise:
            break
        runs.pop()
    return runs[-1][1] if runs else 0


def _runs(speech: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last + 1 index of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], speech.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _levels(samples: Samples) -> NDArray[np.float64]:
    whole = len(samples) // _FRAME * _FRAME
    frames = samples[:whole].reshape(-1, _FRAME).astype(np.float64)
    levels: NDArray[np.float64] = np.sqrt((frames**2).mean(axis=1))
    return levels
