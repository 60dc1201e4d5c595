"""The live resampler: against soxr's best, exact in length, blind to frame joints."""

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.audio.pcm import Samples
from shared.audio.resample import Resampler, resample
from shared.errors import InvalidRequest

RATES = [
    (8_000, 16_000),
    (48_000, 16_000),
    (44_100, 16_000),
    (22_050, 24_000),
    (24_000, 8_000),
    (24_000, 16_000),
    (16_000, 24_000),
    (11_025, 48_000),
]


def speech_band(rate: int, seconds: float = 1.0, top: float = 3_400.0) -> Samples:
    """A chirp from 50 Hz to ``top``, faded at its ends."""
    time = np.arange(int(rate * seconds)) / rate
    phase = 2 * np.pi * (50 * time + (top - 50) / 2 / seconds * time**2)
    fade = np.minimum(1, 20 * np.minimum(time, seconds - time))
    return np.asarray(0.5 * np.sin(phase) * fade, np.float32)


def noise_db(got: Samples, wanted: Samples) -> float:
    error = got - wanted
    return float(10 * np.log10(np.mean(error**2) / np.mean(wanted**2)))


@pytest.mark.parametrize(("source", "target"), RATES)
def test_agrees_with_soxr(source: int, target: int) -> None:
    sound = speech_band(source)
    ours = resample(sound, source, target)
    theirs = soxr.resample(sound, source, target, "VHQ")
    size = min(len(ours), len(theirs))
    assert noise_db(ours[:size], theirs[:size]) < -60


def test_what_cannot_be_carried_is_filtered_out() -> None:
    time = np.arange(48_000) / 48_000
    too_high = (0.5 * np.sin(2 * np.pi * 9_500 * time)).astype(np.float32)
    heard = resample(too_high, 48_000, 16_000)[500:-500]
    assert np.sqrt(np.mean(heard**2)) < 0.5 * 10 ** (-65 / 20)


@pytest.mark.parametrize(("source", "target"), [*RATES, (16_000, 16_000), (8_001, 16_000)])
def test_frames_do_not_matter(source: int, target: int) -> None:
    sound = np.random.default_rng(7).uniform(-1, 1, source // 2).astype(np.float32)
    whole = resample(sound, source, target)
    resampler = Resampler(source, target)
    parts = []
    at = 0
    for size in (0, 1, 2, 3, 160, 1_001, 7, 0, len(sound)):
        parts.append(resampler.feed(sound[at : at + size]))
        at += size
    parts.append(resampler.flush())
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize(("source", "target"), [*RATES, (16_000, 16_000), (8_001, 47_999)])
@pytest.mark.parametrize("size", [0, 1, 2, 441, 8_000])
def test_the_length_is_exact(source: int, target: int, size: int) -> None:
    made = resample(np.zeros(size, np.float32), source, target)
    assert len(made) == -(-size * target // source)


def test_no_drift_over_an_hour_of_joints() -> None:
    resampler = Resampler(44_100, 16_000)
    second = np.zeros(44_100, np.float32)
    made = sum(len(resampler.feed(second)) for _ in range(60))
    assert made + len(resampler.flush()) == 60 * 16_000


def test_a_click_stays_where_it_was() -> None:
    sound = np.zeros(8_000, np.float32)
    sound[4_000] = 1.0
    assert int(np.argmax(resample(sound, 8_000, 16_000))) == 8_000


def test_live_sound_waits_four_milliseconds() -> None:
    resampler = Resampler(8_000, 16_000)
    frame = np.zeros(160, np.float32)
    made = [len(resampler.feed(frame)) for _ in range(10)]
    assert made[1:] == [320] * 9
    assert resampler.delay_s == pytest.approx(0.004)
    assert made[0] == 320 - 2 * 32


def test_a_level_is_kept_in_every_phase() -> None:
    level = np.full(4_410, 0.25, np.float32)
    steady = resample(level, 44_100, 16_000)[100:-100]
    np.testing.assert_allclose(steady, 0.25, atol=1e-6)


def test_a_flushed_resampler_starts_anew() -> None:
    sound = speech_band(8_000, 0.2)
    resampler = Resampler(8_000, 16_000)
    first = np.concatenate([resampler.feed(sound), resampler.flush()])
    second = np.concatenate([resampler.feed(sound), resampler.flush()])
    np.testing.assert_array_equal(first, second)


@settings(derandomize=True, deadline=None, max_examples=20)
@given(
    source=st.integers(8_000, 48_000),
    target=st.sampled_from([8_000, 16_000, 24_000, 48_000]),
    cuts=st.lists(st.integers(0, 700), max_size=8),
)
def test_any_rate_in_any_frames(source: int, target: int, cuts: list[int]) -> None:
    sound = np.random.default_rng(source).uniform(-0.5, 0.5, 2_000).astype(np.float32)
    resampler = Resampler(source, target)
    parts = [resampler.feed(part) for part in np.split(sound, np.minimum(np.cumsum(cuts), 2_000))]
    made = np.concatenate([*parts, resampler.flush()])
    assert len(made) == -(-2_000 * target // source)
    np.testing.assert_array_equal(made, resample(sound, source, target))
    assert np.abs(made).max() < 2.0


@pytest.mark.parametrize("rate", [0, -1, 7_999, 48_001])
def test_absurd_rates_are_refused(rate: int) -> None:
    with pytest.raises(InvalidRequest, match="sample rate"):
        Resampler(rate, 16_000)
