"""Whether samples are a person speaking, by measures of the signal alone.

Speech alternates voiced and unvoiced sounds, its pitch never rests, and its colour moves with
every sound. Music holds its notes, keeps a beat, or is one voice without a consonant.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from services.tts.engines.base import SAMPLE_RATE, Samples

Rows = NDArray[np.float64]

_FRAME, _HOP = 960, 480
"""40 and 20 ms, for level and pitch."""
_LOUD_DB = 25.0
"""Frames this far below the loud ones are pauses."""
_PITCH_LAGS = (SAMPLE_RATE // 400, SAMPLE_RATE // 70)
_VOICED = 0.5

_LONG_FRAME, _STEP, _SPECTRUM = 1440, 240, 8192
"""60 and 10 ms, for notes; 2.9 Hz a bin."""
_BLOCK = 100
"""Frames whose whole spectra are in memory at once."""
_NOTES_HZ = (200.0, 4000.0)
"""Below lies the mains' hum, which is no music."""
_NOTE_WIDTH = 1.012
"""A fifth of a semitone: a note stays within it, a speaker's pitch does not."""
_NOTE_STEPS = 12
"""120 ms."""
_PARTIAL_DB = 20.0
"""Partials weaker than this beside the frame's strongest are not looked at."""

_BANDS, _TOP_HZ, _FLOOR_DB = 20, 8000.0, 45.0
_HISS_BAND = 13
"""Bands from here on lie above 3 kHz."""
_BEAT_LAGS = (20, 120)
"""Steps of 10 ms: 50 to 300 beats a minute."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """What is measured; shares are of the frames that are loud, unless said otherwise.

    The limits lie between 400 stretches of recorded speech (read, conversational, distant,
    noisy, reverberant, telephone) and synthesised music, closer to the music.
    """

    range_db: float
    """Between the loud and the soft tenth of all frames: speech has pauses."""
    voiced: float
    """Repeat themselves at a pitch of 70 to 400 Hz: noise less, a tone or a tune more."""
    held: float
    """Of the partials, not of the frames: stay within a fifth of a semitone for 120 ms."""
    colour_db: float
    """How far the shape of the spectrum moves, not a share."""
    hissing: float
    """Have most of their power above 3 kHz."""
    beat: float
    """How alike onsets are one beat later, 0 to 1, not a share."""

    @property
    def speech(self) -> bool:
        """Whether a voice can be made out."""
        return self.range_db >= 5 and self.voiced >= 0.12 and self.colour_db >= 13.5

    @property
    def music(self) -> bool:
        """Whether somebody plays."""
        cymbals = self.beat > 0.4 and self.hissing > 0.35 and self.voiced < 0.45
        return self.voiced > 0.97 or self.held > 0.2 or self.beat > 0.65 or cymbals


def measured(samples: Samples) -> Likeness:
    """Measure float32 [n] at 24 kHz, n at least a second."""
    levels = _levels(_frames(samples, _FRAME, _HOP))
    soft, loud = np.percentile(levels, [10, 90])
    voiced = _voiced(_frames(samples, _FRAME, _HOP)[levels > loud - _LOUD_DB])
    bands = _bands(_frames(samples, _FRAME, _STEP))
    heard = bands[_are_loud(bands.max(axis=1))]
    return Likeness(
        range_db=float(loud - soft),
        voiced=float(np.mean(voiced)),
        held=_held(_frames(samples, _LONG_FRAME, _STEP)),
        colour_db=_colour(heard),
        hissing=_hissing(heard),
        beat=_beat(bands),
    )


def _frames(samples: Samples, length: int, hop: int) -> Samples:
    return sliding_window_view(samples, length)[::hop]


def _levels(frames: Samples) -> Rows:
    return np.asarray(10 * np.log10(np.mean(frames**2, axis=1) + 1e-10), np.float64)


def _are_loud(levels: Rows) -> NDArray[np.bool_]:
    return np.asarray(levels > np.percentile(levels, 90) - _LOUD_DB)


def _voiced(frames: Samples) -> NDArray[np.bool_]:
    """Whether each frame repeats itself at a pitch between 70 and 400 Hz: bool [frames]."""
    centred = frames - frames.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 * _FRAME, axis=1)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, : _PITCH_LAGS[1] + 1]
    overlap = 1 - np.arange(correlation.shape[1]) / _FRAME
    normal = correlation / (correlation[:, :1] + 1e-10) / overlap
    return np.asarray(normal[:, _PITCH_LAGS[0] :].max(axis=1) > _VOICED)


def _held(frames: Samples) -> float:
    """Share of the partials that are held."""
    low, high = (round(hertz * _SPECTRUM / SAMPLE_RATE) for hertz in _NOTES_HZ)
    blocks = [_spectrum(frames[at : at + _BLOCK], high + 1) for at in range(0, len(frames), _BLOCK)]
    db = np.concatenate(blocks)
    loudest = db.max(axis=1)
    least = np.maximum(loudest - _PARTIAL_DB, np.percentile(loudest, 90) - _LOUD_DB)
    before, here, after = db[:, low - 1 : -2], db[:, low:-1], db[:, low + 1 :]
    step, place = np.nonzero((here > before) & (here >= after) & (here > least[:, None]))
    if not len(step):
        return 0.0
    left, peak, right = before[step, place], here[step, place], after[step, place]
    bins = low + place + 0.5 * (left - right) / (left - 2 * peak + right - 1e-9)
    notes = np.log(bins / low) / np.log(_NOTE_WIDTH)
    # A note at the edge of a cell lies inside one of the other row.
    return max(_lasting((notes + offset).astype(int) + 1, step) for offset in (0.0, 0.5))


def _spectrum(frames: Samples, bins: int) -> Rows:
    """The lowest bins in decibels: [frames, bins]."""
    spectrum = np.fft.rfft(frames * np.hanning(_LONG_FRAME), _SPECTRUM, axis=1)[:, :bins]
    return np.asarray(20 * np.log10(np.abs(spectrum) + 1e-6), np.float64)


def _lasting(cells: NDArray[np.int_], step: NDArray[np.intp]) -> float:
    """Share of the filled cells that stay filled for long enough."""
    filled = np.zeros((int(step.max()) + _NOTE_STEPS, int(cells.max()) + 1), bool)
    filled[step, cells] = True
    begins, cell = np.nonzero(sliding_window_view(filled, _NOTE_STEPS, axis=0).all(axis=2))
    lasting = np.zeros_like(filled)
    lasting[begins[:, None] + np.arange(_NOTE_STEPS), cell[:, None]] = True
    return float(lasting.sum() / filled.sum())


def _bands(frames: Samples) -> Rows:
    """Power in decibels of bands as wide as the ear's: [frames, 20]."""
    power = np.abs(np.fft.rfft(frames * np.hanning(_FRAME), axis=1)) ** 2
    hertz = np.fft.rfftfreq(_FRAME, 1 / SAMPLE_RATE)
    top = np.log1p(_TOP_HZ / 700)
    edges = np.searchsorted(hertz, 700 * np.expm1(np.linspace(np.log1p(1 / 7), top, _BANDS + 1)))
    summed = np.stack([power[:, a:b].sum(axis=1) for a, b in pairwise(edges)])
    return np.asarray(10 * np.log10(summed.T + 1e-7), np.float64)


def _colour(bands: Rows) -> float:
    """How far the first six cepstra stray, in decibels."""
    floored = np.maximum(bands, bands.max(axis=1, keepdims=True) - _FLOOR_DB)
    order = np.arange(1, 7)[:, None] * (np.arange(_BANDS) + 0.5)
    cepstra = floored @ (np.cos(np.pi / _BANDS * order) * np.sqrt(2 / _BANDS)).T
    return float(np.sqrt(cepstra.var(axis=0).sum()))


def _hissing(bands: Rows) -> float:
    power = 10 ** (bands / 10)
    return float(np.mean(power[:, _HISS_BAND:].sum(axis=1) > power.sum(axis=1) / 2))


def _beat(bands: Rows) -> float:
    """The highest correlation of the onsets with themselves one beat later."""
    floored = np.maximum(bands, bands.max() - _FLOOR_DB)
    onsets = np.maximum(floored[2:] - floored[:-2], 0).mean(axis=1)
    window = np.hanning(9)
    smooth = np.convolve(onsets - onsets.mean(), window / window.sum(), "same")
    spectrum = np.fft.rfft(smooth, 2 * len(smooth))
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[: len(smooth)]
    unbiased = correlation / (correlation[0] + 1e-9) / (1 - np.arange(len(smooth)) / len(smooth))
    first, last = _BEAT_LAGS
    return float(unbiased[first : min(last, len(smooth) // 2)].max(initial=0.0))
