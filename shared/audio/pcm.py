"""Raw PCM as it comes over sockets, to and from float32 mono in [-1, 1]."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from shared.audio import g711
from shared.errors import InvalidRequest

Samples = NDArray[np.float32]
"""float32 [n], mono, in [-1, 1]."""

FULL_SCALE = 32768.0
"""The int16 level that 1.0 stands for; 1.0 itself is clipped to 32767."""


class Encoding(StrEnum):
    """How a sample is written in bytes; little-endian."""

    S16LE = "s16le"
    F32LE = "f32le"
    MULAW = "mulaw"
    ALAW = "alaw"

    @property
    def width(self) -> int:
        """Bytes per sample."""
        if self is Encoding.S16LE:
            return 2
        return 4 if self is Encoding.F32LE else 1


class PcmDecoder:
    """Turns a stream of byte frames into mono samples.

    Frames may have any length, none included: bytes of a sample (or of a set of channel
    samples) that is not whole yet wait for the next frame.

    Args:
        encoding: how samples are written.
        channels: interleaved channels; they are averaged.
    """

    def __init__(self, encoding: Encoding, channels: int = 1) -> None:
        if channels < 1:
            raise InvalidRequest("channels must be at least 1", param="channels")
        self.encoding = encoding
        self.channels = channels
        self._stride = encoding.width * channels
        self._rest = b""

    @property
    def pending(self) -> int:
        """Bytes of an unfinished sample; what a stream leaves behind when it is cut."""
        return len(self._rest)

    def feed(self, data: bytes) -> Samples:
        """Decode one frame.

        Returns:
            float32 [n], possibly empty; owned by the caller.

        Raises:
            InvalidRequest: float samples that are NaN or infinite. The frame is dropped,
                the decoder stays in step and may be fed again.
        """
        if self._rest:
            data = self._rest + data
        whole = len(data) - len(data) % self._stride
        self._rest = b""
        if whole < len(data):
            data, self._rest = data[:whole], bytes(data[whole:])
        samples = decode(data, self.encoding)
        if self.channels == 1:
            return samples
        return np.asarray(samples.reshape(-1, self.channels).mean(axis=1), np.float32)


def decode(data: bytes, encoding: Encoding) -> Samples:
    """Decode whole samples, channels left interleaved.

    Raises:
        InvalidRequest: a length that is no whole number of samples, NaN, infinity.
    """
    if len(data) % encoding.width:
        raise InvalidRequest(f"{len(data)} bytes are no whole number of {encoding} samples")
    match encoding:
        case Encoding.S16LE:
            return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(FULL_SCALE)
        case Encoding.F32LE:
            return _finite(np.frombuffer(data, "<f4"))
        case Encoding.MULAW:
            return _from_levels(g711.MULAW_LEVELS[np.frombuffer(data, np.uint8)])
        case Encoding.ALAW:
            return _from_levels(g711.ALAW_LEVELS[np.frombuffer(data, np.uint8)])


def encode(samples: Samples, encoding: Encoding) -> bytes:
    """Write samples as bytes; what is beyond [-1, 1] is clipped, NaN becomes silence."""
    if encoding is Encoding.F32LE:
        return playable(samples).astype("<f4").tobytes()
    levels = to_levels(samples)
    match encoding:
        case Encoding.S16LE:
            return levels.astype("<i2").tobytes()
        case Encoding.MULAW:
            return g711.MULAW_CODES[levels.astype(np.int32) + 32768].tobytes()
        case Encoding.ALAW:
            return g711.ALAW_CODES[levels.astype(np.int32) + 32768].tobytes()


def playable(samples: Samples) -> Samples:
    """The samples clipped to [-1, 1], NaN as silence: what engines owe and codecs demand."""
    return np.clip(np.nan_to_num(samples, posinf=1.0, neginf=-1.0), -1.0, 1.0)


def to_levels(samples: Samples) -> NDArray[np.int16]:
    """Round to int16 levels, clipped; NaN becomes silence."""
    scaled = playable(samples) * np.float32(FULL_SCALE)
    return np.asarray(np.clip(np.rint(scaled), -32768, 32767), np.int16)


def _from_levels(levels: NDArray[np.int16]) -> Samples:
    return levels.astype(np.float32) / np.float32(FULL_SCALE)


def _finite(values: NDArray[np.float32]) -> Samples:
    finite = np.isfinite(values)
    if not finite.all():
        where = int(np.argmin(finite))
        raise InvalidRequest(f"float PCM holds NaN or infinity (sample {where} of the frame)")
    return np.clip(values, -1.0, 1.0).astype(np.float32)
