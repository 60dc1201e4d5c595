"""The microphone's format."""

import numpy as np
import pytest

from services.orchestrator.pipeline.microphone import Microphone
from shared.audio.pcm import Encoding, encode

LEVEL = np.full(160, 0.25, np.float32)


@pytest.mark.parametrize("encoding", Encoding)
def test_every_encoding_becomes_plain(encoding: Encoding) -> None:
    microphone = Microphone(encoding, 8000)
    frame = encode(LEVEL, encoding)
    assert microphone.seconds(frame) == pytest.approx(0.02)
    plain = np.frombuffer(microphone.plain(frame), "<i2")
    assert len(plain) == 160
    assert abs(plain / 32768 - 0.25).max() < 0.01


def test_stereo_is_mixed() -> None:
    frame = encode(np.repeat(LEVEL, 2), Encoding.S16LE)
    microphone = Microphone(channels=2)
    assert microphone.seconds(frame) == pytest.approx(0.01)
    assert len(microphone.plain(frame)) == 320


def test_half_a_sample_is_left_out() -> None:
    assert Microphone().plain(b"\x01\x02\x03") == b"\x01\x02"


def test_floats_that_are_none_are_silence() -> None:
    nan = np.full(10, np.nan, "<f4").tobytes()
    assert Microphone(Encoding.F32LE).plain(nan) == b""
