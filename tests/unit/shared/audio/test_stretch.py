"""Time stretch: another tempo, the same pitch, the exact length."""

import numpy as np
import pytest

from shared.audio.pcm import Samples
from shared.audio.stretch import TimeStretch
from shared.errors import InvalidRequest
from tests.audio.sounds import level, pitch, tone

SPEEDS = [0.25, 0.3, 0.5, 0.9, 1.0, 1.25, 2.0, 3.7, 4.0]


def stretched(sound: Samples, speed: float, piece: int, rate: int = 24_000) -> Samples:
    stretch = TimeStretch(speed, rate)
    parts = [stretch.feed(sound[at : at + piece]) for at in range(0, len(sound), piece)]
    return np.concatenate([*parts, stretch.flush()])


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("piece", [333, 48_000])
def test_tempo_changes_and_pitch_stays(speed: float, piece: int) -> None:
    sound = stretched(tone(24_000, 2.0, 220), speed, piece)
    assert len(sound) == round(48_000 / speed)
    assert pitch(sound, 24_000) == pytest.approx(220, abs=3)
    quarter = len(sound) // 4
    assert level(sound[quarter:-quarter]) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)
    assert np.abs(np.diff(sound[:-quarter])).max() < 0.06


@pytest.mark.parametrize("speed", [0.25, 0.5, 2.0, 4.0])
def test_pieces_do_not_matter(speed: float) -> None:
    sound = tone(24_000, 1.0, 150)
    np.testing.assert_allclose(
        stretched(sound, speed, 480), stretched(sound, speed, 4_800), atol=1e-6
    )


@pytest.mark.parametrize("speed", [0.25, 0.5, 1.5, 4.0])
def test_things_stay_where_they_belong(speed: float) -> None:
    sound = np.zeros(48_000, np.float32)
    sound[24_000:36_000] = tone(24_000, 0.5, 300)
    out = stretched(sound, speed, 480)
    loud = np.flatnonzero(np.abs(out) > 0.1)
    assert loud[0] * speed / 24_000 == pytest.approx(1.0, abs=0.06)
    assert loud[-1] * speed / 24_000 == pytest.approx(1.5, abs=0.06)


@pytest.mark.parametrize("speed", [0.25, 0.5, 1.5, 4.0])
def test_little_is_held_back(speed: float) -> None:
    stretch = TimeStretch(speed, 24_000)
    made = 0
    for number in range(1, 101):
        made += len(stretch.feed(tone(24_000, 0.02)))
        assert number * 480 - made * speed <= 24_000 * 0.06 * max(1.0, speed)


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("size", [0, 1, 100])
def test_short_sounds_have_their_length_too(speed: float, size: int) -> None:
    assert len(stretched(tone(24_000, 1)[:size], speed, 480)) == round(size / speed)


@pytest.mark.parametrize("speed", [0.0, -1.0, 0.24, 4.01, float("nan"), float("inf")])
def test_absurd_speeds_are_refused(speed: float) -> None:
    with pytest.raises(InvalidRequest, match="speed"):
        TimeStretch(speed, 24_000)
