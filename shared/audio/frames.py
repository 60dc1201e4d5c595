"""FFmpeg's frames, of any sample format and channel count, as mono float32."""

from collections.abc import Sequence

import av
import numpy as np

from shared.audio.pcm import Samples
from shared.errors import InvalidRequest

_FULL_SCALE = {
    "u8": 2.0**7,
    "s16": 2.0**15,
    "s32": 2.0**31,
    "s64": 2.0**63,
    "flt": 1.0,
    "dbl": 1.0,
}

_UNSAFE_PLANES = 8
"""PyAV counts a frame's planes up to a null pointer, which FFmpeg puts behind fewer than
eight of them only: with more, reading them reads foreign memory and ends the process."""


def kind(frame: av.AudioFrame) -> tuple[int, str, int]:
    """Rate, sample format and channels: frames that share them can be joined."""
    return frame.sample_rate, frame.format.name, frame.layout.nb_channels


def mono(frames: Sequence[av.AudioFrame]) -> Samples:
    """The average of the channels of frames of one kind, float32 [n] in [-1, 1].

    FFmpeg's own down-mix is not used: it lets the sum of float channels exceed 1 and
    refuses counts that have no named layout.

    Raises:
        InvalidRequest: NaN or infinity in float samples.
    """
    _, sample_format, channels = kind(frames[0])
    if sample_format.endswith("p") and channels >= _UNSAFE_PLANES:
        sample_format = sample_format.removesuffix("p")
        frames = _interleaved(frames, sample_format)
    raw = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    scale = sample_format.removesuffix("p")
    values = np.asarray(raw, np.float32) / np.float32(_FULL_SCALE[scale])
    if scale == "u8":
        values -= np.float32(1.0)
    if sample_format.endswith("p"):
        mixed = values.mean(axis=0)
    else:
        mixed = values.reshape(-1, channels).mean(axis=1)
    if not np.isfinite(mixed).all():
        raise InvalidRequest("the file holds samples that are no numbers", param="file")
    return np.asarray(np.clip(mixed, -1.0, 1.0), np.float32)


def _interleaved(frames: Sequence[av.AudioFrame], sample_format: str) -> list[av.AudioFrame]:
    """The same sound in one plane a frame."""
    converter = av.AudioResampler(format=sample_format)
    return [made for frame in (*frames, None) for made in converter.resample(frame)]
