"""A short fade, so that a cut does not click."""

import numpy as np


def fade_out(pcm: bytes) -> bytes:
    """``pcm`` (s16le mono) falling to silence over its whole length."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    ramp = np.linspace(1.0, 0.0, len(samples), dtype=np.float32)
    return (samples * ramp).astype("<i2").tobytes()
