import numpy as np
import pytest

from services.asr.engines.whisper.cut import pieces


@pytest.mark.parametrize("seconds", [0, 1, 30, 30.01, 45, 95])
def test_nothing_is_lost_or_repeated(seconds: float) -> None:
    samples = np.random.default_rng(1).standard_normal(int(seconds * 16000)).astype(np.float32)
    parts = pieces(samples)
    assert np.array_equal(np.concatenate(parts), samples)
    assert all(len(part) <= 30 * 16000 for part in parts)


def test_the_cut_is_in_the_pause() -> None:
    samples = np.random.default_rng(2).standard_normal(40 * 16000).astype(np.float32)
    samples[25 * 16000 : 26 * 16000] = 0
    assert 25 * 16000 <= len(pieces(samples)[0]) <= 26 * 16000
