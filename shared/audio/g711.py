"""G.711 companding, µ-law and A-law, as lookup tables (ITU-T G.711)."""

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.int16]
Codes = NDArray[np.uint8]

_CODES = np.arange(256)
_MULAW_BIAS = 132
_MULAW_CLIP = 32635


def _mulaw_levels() -> Levels:
    code = ~_CODES & 0xFF
    exponent = (code >> 4) & 7
    magnitude = ((((code & 0x0F) << 3) + _MULAW_BIAS) << exponent) - _MULAW_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _mulaw_codes() -> Codes:
    level = np.arange(-32768, 32768)
    magnitude = np.minimum(np.abs(level), _MULAW_CLIP) + _MULAW_BIAS
    exponent = np.log2(magnitude).astype(int) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    code = np.where(level < 0, 0x80, 0) | (exponent << 4) | mantissa
    return np.asarray(~code & 0xFF, np.uint8)


def _alaw_levels() -> Levels:
    code = _CODES ^ 0x55
    exponent = (code >> 4) & 7
    mantissa = ((code & 0x0F) << 4) + 8
    magnitude = np.where(exponent == 0, mantissa, (mantissa + 0x100) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _alaw_codes() -> Codes:
    level = np.arange(-32768, 32768) >> 3
    magnitude = np.where(level < 0, -level - 1, level)
    exponent = np.maximum(np.log2(np.maximum(magnitude, 1)).astype(int) - 4, 0)
    mantissa = (magnitude >> np.maximum(exponent, 1)) & 0x0F
    code = (exponent << 4) | mantissa
    return np.asarray(code ^ np.where(level < 0, 0x55, 0xD5), np.uint8)


MULAW_LEVELS = _mulaw_levels()
"""int16 [256]: the linear level of each µ-law code."""
ALAW_LEVELS = _alaw_levels()
"""int16 [256]: the linear level of each A-law code."""
MULAW_CODES = _mulaw_codes()
"""uint8 [65536]: the µ-law code of each int16 level, indexed by level + 32768."""
ALAW_CODES = _alaw_codes()
"""uint8 [65536]: the A-law code of each int16 level, indexed by level + 32768."""
