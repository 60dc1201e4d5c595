"""Every sample and every bit of silence is in one frame, in order, however it came."""

import numpy as np
import pytest

from services.asr.engines.base import FRAME, Samples
from services.asr.pipeline.framing import Framing


def ramp(count: int) -> Samples:
    return np.arange(1, count + 1, dtype=np.float32)


@pytest.mark.parametrize("piece", [1, 160, FRAME, FRAME + 1, 3 * FRAME])
def test_samples_of_any_number_become_frames_in_order(piece: int) -> None:
    framing, stream, frames = Framing(), ramp(3 * FRAME + 5), []
    for start in range(0, len(stream), piece):
        framing.put(stream[start : start + piece])
        while framing.ready and (frame := framing.take()):
            assert not frame.silent
            frames.append(frame.samples)
    assert np.array_equal(np.concatenate([*frames, framing.take_rest()]), stream)
    assert [len(frame) for frame in frames] == [FRAME] * 3


def test_silence_fills_the_frame_that_was_begun_and_then_frames_of_its_own() -> None:
    framing = Framing()
    framing.put(ramp(10))
    framing.put_silence(2 * FRAME - 5)
    begun, own = framing.take(), framing.take()
    assert begun is not None
    assert own is not None
    assert begun.silent
    assert own.silent
    assert np.array_equal(begun.samples[:10], ramp(10))
    assert not begun.samples[10:].any()
    assert not own.samples.any()
    assert (framing.take(), framing.ready, framing.samples) == (None, False, 5)


def test_what_is_dropped_is_counted_with_its_silence() -> None:
    framing = Framing()
    framing.put(ramp(10))
    framing.put_silence(7)
    assert (framing.samples, framing.silent, framing.ready) == (10, True, True)
    assert framing.drop() == 17
    assert (framing.samples, framing.silent, framing.ready, framing.drop()) == (0, False, False, 0)
