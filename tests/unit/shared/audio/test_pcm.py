"""PCM off the wire: any encoding, any frame length, nothing that is no sound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audio.pcm import Encoding, PcmDecoder, Samples, decode, encode
from shared.errors import InvalidRequest

STEP = {
    Encoding.S16LE: 1 / 32768,
    Encoding.F32LE: 0.0,
    Encoding.MULAW: 1 / 50,
    Encoding.ALAW: 1 / 50,
}


def ramp() -> Samples:
    return np.linspace(-1, 1, 2_001, dtype=np.float32)


@pytest.mark.parametrize("encoding", Encoding)
def test_sound_survives(encoding: Encoding) -> None:
    back = decode(encode(ramp(), encoding), encoding)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, ramp(), atol=STEP[encoding])


@pytest.mark.parametrize("encoding", Encoding)
def test_bytes_of_a_sample(encoding: Encoding) -> None:
    assert len(encode(ramp(), encoding)) == len(ramp()) * encoding.width


def test_every_s16_level_survives() -> None:
    levels = np.arange(-32768, 32768).astype("<i2").tobytes()
    assert encode(decode(levels, Encoding.S16LE), Encoding.S16LE) == levels


@pytest.mark.parametrize("encoding", Encoding)
def test_what_is_too_loud_is_clipped(encoding: Encoding) -> None:
    loud = np.array([-9.0, 9.0, np.inf, -np.inf, np.nan], np.float32)
    back = decode(encode(loud, encoding), encoding)
    assert np.abs(back).max() <= 1
    np.testing.assert_allclose(back, [-1, 1, 1, -1, 0], atol=0.03)


@given(
    encoding=st.sampled_from(Encoding),
    channels=st.integers(1, 3),
    cuts=st.lists(st.integers(0, 40), max_size=30),
    seed=st.integers(0, 2**32 - 1),
)
def test_frames_do_not_matter(
    encoding: Encoding, channels: int, cuts: list[int], seed: int
) -> None:
    sound = np.random.default_rng(seed).uniform(-1, 1, channels * 100).astype(np.float32)
    data = encode(sound, encoding)
    decoder = PcmDecoder(encoding, channels)
    parts, at = [], 0
    for size in [*cuts, len(data)]:
        parts.append(decoder.feed(data[at : at + size]))
        at += size
    whole = decode(data, encoding).reshape(-1, channels).mean(axis=1)
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert decoder.pending == 0


def test_an_empty_frame_is_no_sound() -> None:
    decoder = PcmDecoder(Encoding.S16LE)
    assert len(decoder.feed(b"")) == 0
    assert decoder.pending == 0


def test_half_a_sample_waits() -> None:
    decoder = PcmDecoder(Encoding.S16LE)
    assert len(decoder.feed(b"\x00")) == 0
    assert decoder.pending == 1
    np.testing.assert_array_equal(decoder.feed(b"\x40"), [0.5])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_floats_that_are_no_numbers_are_refused_and_the_stream_goes_on(bad: float) -> None:
    decoder = PcmDecoder(Encoding.F32LE)
    poisoned = np.array([0.1, bad, 0.2], "<f4").tobytes() + b"\x00\x00"
    with pytest.raises(InvalidRequest, match="sample 1"):
        decoder.feed(poisoned)
    np.testing.assert_array_equal(decoder.feed(b"\x00\x3f"), [0.5])


def test_floats_beyond_full_scale_are_clipped() -> None:
    np.testing.assert_array_equal(
        decode(np.array([-3e38, 2.0], "<f4").tobytes(), Encoding.F32LE), [-1, 1]
    )


def test_stereo_is_averaged() -> None:
    data = encode(np.array([0.5, -0.5, 0.25, 0.75], np.float32), Encoding.F32LE)
    np.testing.assert_array_equal(PcmDecoder(Encoding.F32LE, 2).feed(data), [0.0, 0.5])


def test_no_channels_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="channels"):
        PcmDecoder(Encoding.S16LE, 0)


def test_half_a_sample_is_no_recording() -> None:
    with pytest.raises(InvalidRequest, match="3 bytes"):
        decode(b"abc", Encoding.S16LE)


def test_decoded_samples_are_the_callers() -> None:
    samples = PcmDecoder(Encoding.F32LE).feed(encode(ramp(), Encoding.F32LE))
    samples[0] = 0.0
