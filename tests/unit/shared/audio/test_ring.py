"""The ring: the newest samples, found by their position in the stream."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audio.pcm import Samples
from shared.audio.ring import Ring


def count(start: int, end: int) -> Samples:
    return np.arange(start, end, dtype=np.float32)


@given(capacity=st.integers(1, 50), sizes=st.lists(st.integers(0, 120), max_size=20))
def test_the_newest_samples_are_kept(capacity: int, sizes: list[int]) -> None:
    ring = Ring(capacity)
    end = 0
    for size in sizes:
        ring.append(count(end, end + size))
        end += size
        kept = min(capacity, end)
        assert (ring.start, ring.end, len(ring)) == (end - kept, end, kept)
        np.testing.assert_array_equal(ring.read(ring.start, ring.end), count(ring.start, end))


def test_reading_a_part() -> None:
    ring = Ring(10)
    ring.append(count(0, 25))
    np.testing.assert_array_equal(ring.read(17, 20), count(17, 20))
    np.testing.assert_array_equal(ring.last(3), count(22, 25))
    np.testing.assert_array_equal(ring.last(99), count(15, 25))


@pytest.mark.parametrize(("start", "end"), [(14, 20), (20, 26), (20, 19)])
def test_what_is_not_there_is_an_error(start: int, end: int) -> None:
    ring = Ring(10)
    ring.append(count(0, 25))
    with pytest.raises(IndexError):
        ring.read(start, end)


def test_dropping_keeps_positions() -> None:
    ring = Ring(10)
    ring.append(count(0, 25))
    ring.drop(before=20)
    assert (ring.start, ring.end) == (20, 25)
    ring.drop(before=3)
    assert ring.start == 20
    ring.append(count(25, 27))
    np.testing.assert_array_equal(ring.read(20, 27), count(20, 27))
    ring.clear()
    assert (ring.start, ring.end) == (27, 27)


def test_what_was_read_is_a_copy() -> None:
    ring = Ring(4)
    ring.append(count(0, 4))
    ring.read(0, 4)[:] = 9
    np.testing.assert_array_equal(ring.read(0, 4), count(0, 4))


def test_a_ring_holds_something() -> None:
    with pytest.raises(ValueError, match="capacity"):
        Ring(0)
