"""Frames of every sample format become the same mono samples."""

import av
import numpy as np
import pytest

from shared.audio.frames import mono
from shared.audio.pcm import to_levels
from tests.audio.sounds import tone

TONE = tone(16_000, 0.05)


@pytest.mark.parametrize(
    "sample_format",
    ["u8", "u8p", "s16", "s16p", "s32", "s32p", "flt", "fltp", "dbl", "dblp"],
)
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1", "7.1", "hexadecagonal"])
def test_every_format_gives_the_same(sample_format: str, layout: str) -> None:
    source = av.AudioFrame.from_ndarray(to_levels(TONE)[None, :], format="s16", layout="mono")
    source.sample_rate = 16_000
    converter = av.AudioResampler(format=sample_format, layout="mono")
    plain = np.concatenate([frame.to_ndarray()[0] for frame in converter.resample(source)])
    rows = np.repeat(plain, av.AudioLayout(layout).nb_channels)[None, :]
    packed = sample_format.removesuffix("p")
    frame = av.AudioFrame.from_ndarray(rows, format=packed, layout=layout)
    frame.sample_rate = 16_000
    [frame] = av.AudioResampler(format=sample_format).resample(frame)
    got = mono([frame, frame])
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, np.tile(TONE, 2), atol=0.009 if "u8" in sample_format else 1e-4)
