"""From samples to Whisper's log-mel features.

The arithmetic is faster-whisper's; this file adds the length of the window. Padding is
with 0.0, as faster-whisper does it, not with the log-mel of silence.
"""

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor

from services.asr.engines.base import SAMPLE_RATE, Samples
from services.asr.engines.whisper.window import FULL_FRAMES, HOP, Features

MARGIN_S = 1.0
"""Silence that a shortened window keeps behind its audio."""


class LogMel:
    """The features of one model. Safe for many threads: it keeps nothing."""

    def __init__(self, mels: int) -> None:
        self.mels = mels
        self._extract = FeatureExtractor(feature_size=mels)

    def __call__(self, samples: Samples, frames: int = FULL_FRAMES) -> Features:
        """The features of a window, padded or cut to ``frames``.

        Args:
            samples: float32 [n] at 16 kHz.
            frames: length of the result.

        Returns:
            float32 [mels, frames].
        """
        padded = np.zeros((self.mels, frames), np.float32)
        if len(samples):
            found = self._extract(samples)[:, :frames]
            padded[:, : found.shape[1]] = found
        return padded


def frames_for(seconds: float, classes: tuple[float, ...]) -> int:
    """Frames to encode for a window: the first class that holds it, else all 30 s.

    Few classes keep batches whole: only windows of equal length share a step.

    Args:
        seconds: length of the audio.
        classes: lengths in seconds that are worth a shape of their own, ascending.
    """
    for length in classes:
        if seconds + MARGIN_S <= length:
            return int(length * SAMPLE_RATE) // HOP
    return FULL_FRAMES
