"""The G.711 tables, held against FFmpeg's codecs."""

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from shared.audio import g711


def ffmpeg_levels(codec: str) -> NDArray[np.int16]:
    context = av.CodecContext.create(codec, "r")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate = 8_000
    context.layout = "mono"
    packet = av.Packet(bytes(range(256)))
    return np.concatenate([frame.to_ndarray()[0] for frame in context.decode(packet)])


@pytest.mark.parametrize(
    ("codec", "levels"),
    [("pcm_mulaw", g711.MULAW_LEVELS), ("pcm_alaw", g711.ALAW_LEVELS)],
)
def test_levels_are_ffmpegs(codec: str, levels: NDArray[np.int16]) -> None:
    np.testing.assert_array_equal(levels, ffmpeg_levels(codec))


@pytest.mark.parametrize(
    ("levels", "codes"),
    [(g711.MULAW_LEVELS, g711.MULAW_CODES), (g711.ALAW_LEVELS, g711.ALAW_CODES)],
    ids=["mulaw", "alaw"],
)
def test_every_code_survives_a_round_trip(
    levels: NDArray[np.int16], codes: NDArray[np.uint8]
) -> None:
    again = codes[levels.astype(int) + 32768]
    np.testing.assert_array_equal(levels[again], levels)


@pytest.mark.parametrize(
    ("levels", "codes"),
    [(g711.MULAW_LEVELS, g711.MULAW_CODES), (g711.ALAW_LEVELS, g711.ALAW_CODES)],
    ids=["mulaw", "alaw"],
)
def test_errors_are_within_half_a_step(levels: NDArray[np.int16], codes: NDArray[np.uint8]) -> None:
    level = np.arange(-32_124, 32_125)
    heard = levels[codes[level + 32768]].astype(int)
    assert (np.abs(heard - level) <= (np.abs(level) + 132) / 32 + 8).all()
    assert (np.diff(heard) >= 0).all()
