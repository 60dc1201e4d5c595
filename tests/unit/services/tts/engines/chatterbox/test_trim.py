"""Silence and bursts after the last word go, words stay."""

from typing import Any

import numpy as np
import pytest

from services.tts.engines.chatterbox.trim import level, trim_tail

RATE = 24_000


def tone(seconds: float, size: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    steps = np.arange(int(seconds * RATE), dtype=np.float32)
    return np.asarray(size * np.sin(steps * 0.1), dtype=np.float32)


def trimmed(*parts: tuple[float, float]) -> float:
    """Seconds left of tones given as (seconds, size)."""
    sound = np.concatenate([tone(*part) for part in parts])
    return len(trim_tail(sound, level(sound))) / RATE


@pytest.mark.parametrize(
    ("parts", "seconds"),
    [
        ([(1.0, 0.5)], 1.0),
        ([(1.0, 0.5), (0.8, 0.0)], 1.12),
        ([(1.0, 0.5), (0.4, 0.0), (0.1, 0.05), (0.2, 0.0)], 1.12),
        ([(1.0, 0.5), (0.4, 0.0), (0.1, 0.4), (0.2, 0.0)], 1.62),
        ([(1.0, 0.5), (0.4, 0.0), (0.4, 0.05)], 1.8),
        ([(1.0, 0.5), (0.1, 0.0), (0.1, 0.05)], 1.2),
    ],
    ids=["speech", "silence", "noise", "word", "quiet phrase", "syllable"],
)
def test_only_what_is_no_word_goes(parts: list[tuple[float, float]], seconds: float) -> None:
    assert trimmed(*parts) == pytest.approx(seconds, abs=0.021)


def test_the_end_is_faded() -> None:
    sound = np.ones(RATE, dtype=np.float32)
    assert trim_tail(sound, 1.0)[-1] == 0.0
    assert sound[-1] == 1.0


def test_a_silent_end_of_loud_speech_goes_almost_whole() -> None:
    assert len(trim_tail(np.zeros(RATE, dtype=np.float32), 0.5)) == 6 * 480
    assert len(trim_tail(np.zeros(0, dtype=np.float32), 0.5)) == 0
