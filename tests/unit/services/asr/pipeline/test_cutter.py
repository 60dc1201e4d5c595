import itertools

import numpy as np
import pytest

from services.asr.engines.base import FRAME, SAMPLE_RATE, Samples
from services.asr.engines.silero import SileroModel
from services.asr.pipeline.cutter import (
    LONGEST_S,
    PADDING_S,
    REST_S,
    SILENCE_BEFORE,
    Cutter,
    Piece,
)
from tests.audio.recordings import load, needs_recordings, recordings


class Loud:
    """Takes loud frames for speech, and counts what it is shown."""

    def __init__(self) -> None:
        self.shown = 0
        self.resets = 0

    def probability(self, frame: Samples) -> float:
        self.shown += 1
        return float(np.abs(frame).max() > 0.05)

    def reset(self) -> None:
        self.resets += 1


def recording(*parts: tuple[float, float]) -> Samples:
    """Parts of so many seconds at such a level."""
    random = np.random.default_rng(0)
    made = [random.uniform(-level, level, int(s * SAMPLE_RATE)) for s, level in parts]
    return np.concatenate(made).astype(np.float32)


def cut(samples: Samples, block: int = SAMPLE_RATE) -> list[Piece]:
    cutter = Cutter(Loud())
    blocks = [samples[at : at + block] for at in range(0, len(samples), block)]
    return [*itertools.chain.from_iterable(map(cutter.feed, blocks)), *cutter.flush()]


def check(pieces: list[Piece], samples: Samples) -> None:
    """Pieces are the recording's own samples, in order, without overlap, and short enough."""
    before = 0.0
    for piece in pieces:
        assert piece.start >= before - 1e-9
        assert len(piece.samples) <= LONGEST_S * SAMPLE_RATE
        at = round(piece.start * SAMPLE_RATE)
        own = samples[at : at + len(piece.samples)]
        assert np.array_equal(piece.samples[: len(own)], own)
        assert not piece.samples[len(own) :].any()
        before = piece.end


def test_silence_has_no_windows_and_is_not_looked_at() -> None:
    detector = Loud()
    cutter = Cutter(detector)
    for _ in range(60):
        assert cutter.feed(np.zeros(SAMPLE_RATE, np.float32)) == []
    assert cutter.flush() == []
    assert detector.shown == 0
    assert len(cutter._frames) <= PADDING_S * SAMPLE_RATE / FRAME + 1


def test_a_word_keeps_some_sound_around_it() -> None:
    samples = recording((2, 0.001), (1, 0.5), (2.5, 0.001))
    (piece,) = cut(samples)
    check([piece], samples)
    assert piece.start == pytest.approx(2 - PADDING_S, abs=0.05)
    assert piece.end == pytest.approx(3 + PADDING_S, abs=0.05)


def test_short_pauses_stay_in_a_window_and_long_ones_end_it() -> None:
    samples = recording((2, 0.5), (1, 0.001), (2, 0.5), (REST_S + 1, 0.001), (2, 0.5))
    pieces = cut(samples)
    check(pieces, samples)
    assert [round(piece.end - piece.start) for piece in pieces] == [5, 2]


def test_a_full_window_ends_at_the_next_pause() -> None:
    samples = recording((21, 0.5), (0.4, 0.001), (5, 0.5))
    pieces = cut(samples)
    check(pieces, samples)
    assert pieces[0].end == pytest.approx(21.25, abs=0.05)
    assert pieces[1].start == pytest.approx(21.25, abs=0.05)


@pytest.mark.parametrize("block", [100, 8_000, 100_000])
def test_who_never_pauses_is_cut_and_nothing_is_lost(block: int) -> None:
    samples = recording((95, 0.5))
    pieces = cut(samples, block)
    check(pieces, samples)
    assert sum(len(piece.samples) for piece in pieces) >= len(samples)
    for earlier, later in itertools.pairwise(pieces):
        assert later.start == pytest.approx(earlier.end)


def test_a_forced_cut_is_where_speech_is_least_likely() -> None:
    samples = recording((25, 0.5), (0.1, 0.001), (20, 0.5))
    pieces = cut(samples)
    check(pieces, samples)
    assert pieces[0].end == pytest.approx(25.1, abs=0.1)


def test_the_detector_starts_anew_after_digital_silence() -> None:
    detector = Loud()
    cutter = Cutter(detector)
    for part in (recording((1, 0.5)), np.zeros(SAMPLE_RATE, np.float32), recording((1, 0.5))):
        cutter.feed(part)
    assert detector.resets == 2


def test_the_detector_is_shown_some_silence_before_the_first_sound() -> None:
    detector = Loud()
    cutter = Cutter(detector)
    cutter.feed(np.full(FRAME, 0.5, np.float32))
    assert detector.shown == SILENCE_BEFORE + 1

    cutter.feed(np.zeros(2 * FRAME, np.float32))
    cutter.feed(np.full(FRAME, 0.5, np.float32))
    assert detector.shown == SILENCE_BEFORE + 1 + 2 + 1, "no more than there was"


@needs_recordings
def test_a_word_is_heard_that_begins_with_the_recording() -> None:
    model = SileroModel()
    missed = []
    for digit in recordings("fsdd-digits/"):
        cutter = Cutter(model.open())
        if not [*cutter.feed(load(digit["file"])), *cutter.flush()]:
            missed.append(digit["file"])
    assert missed == []


def test_the_last_samples_count() -> None:
    samples = recording((1.01, 0.5))
    (piece,) = cut(samples)
    assert len(piece.samples) >= len(samples)
    check([piece], samples)
