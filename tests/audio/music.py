"""Music made of sines and noise, for tests of what is no speech: float32 [240000] at 24 kHz."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from shared.audio.pcm import Samples

RATE = 24_000
SECONDS = 10
Wave = NDArray[np.float64]

_PROGRESSION = ((60, 64, 67), (57, 60, 64), (53, 57, 60), (55, 59, 62))
"""C, A minor, F, G as MIDI notes."""
_VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480))
"""Formants in Hz."""


def chords() -> Samples:
    """A piano's, two a second."""
    return _placed(
        (at / 2, _together(map(_struck, _PROGRESSION[at % 4]))) for at in range(2 * SECONDS)
    )


def arpeggio() -> Samples:
    """Eight notes a second."""
    steps = ((at, _PROGRESSION[at // 16 % 4]) for at in range(8 * SECONDS))
    return _placed((at / 8, _struck((*chord, chord[0] + 12)[at % 4], 0.25)) for at, chord in steps)


def drums(late_s: float = 0.005) -> Samples:
    """Kick, snare and hi-hat, 120 beats a minute."""
    random = np.random.default_rng(1)
    beats = []
    for at in range(2 * SECONDS):
        beats.append((at / 2 + _late(random, late_s), _drum(at % 2 == 1, random)))
        beats += [(at / 2 + half + _late(random, late_s), _hat(random)) for half in (0.0, 0.25)]
    return _placed(beats)


def loose_drums() -> Samples:
    """The same by a player who is late at times."""
    return drums(0.04)


def band() -> Samples:
    """Chords, drums and a tune."""
    return _level(_together([chords(), drums(), 0.7 * violin()]))


def violin() -> Samples:
    """A tune with vibrato and slides."""
    return _placed(_tune(lambda note, seconds: _bowed(note + 12, seconds, 0.8)))


def flute() -> Samples:
    """A tune of few partials, without rests."""
    return _placed(_tune(lambda note, seconds: _bowed(note + 12, seconds, 2.0)))


def singer() -> Samples:
    """A tune on vowels, with vibrato."""
    return _placed(_tune(_sung))


def organ() -> Samples:
    """Chords that do not end."""
    return _placed(
        (2 * at, _together(_bowed(note, 2.2, 1.0, vibrato=0.0) for note in _PROGRESSION[at % 4]))
        for at in range(SECONDS // 2)
    )


def guitar() -> Samples:
    """Plucked strings."""
    random = np.random.default_rng(2)
    return _placed(
        (at / 4 + _late(random), _plucked(_PROGRESSION[at // 8 % 4][at % 3] - 12, random))
        for at in range(4 * SECONDS)
    )


MUSIC: dict[str, Callable[[], Samples]] = {
    made.__name__: made
    for made in (chords, arpeggio, drums, loose_drums, band, violin, flute, singer, organ, guitar)
}


def _together(waves: Iterable[Wave | Samples]) -> Wave:
    return np.asarray(np.sum(list(waves), axis=0), np.float64)


def _time(seconds: float) -> Wave:
    return np.arange(round(seconds * RATE)) / RATE


def _hertz(note: float) -> float:
    return float(440 * 2 ** ((note - 69) / 12))


def _struck(note: int, decay_s: float = 0.8) -> Wave:
    time = _time(1.5)
    tone = sum(np.sin(2 * np.pi * n * _hertz(note) * time) / n for n in range(1, 9))
    return np.asarray(tone * np.minimum(time / 0.005, 1) * np.exp(-time / decay_s))


def _bowed(note: int, seconds: float, softness: float, *, vibrato: float = 0.02) -> Wave:
    time = _time(seconds)
    hertz = _hertz(note) * (1 + vibrato * np.sin(2 * np.pi * 5.5 * time))
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    count = min(20, int(10_000 / _hertz(note)))
    tone = sum(np.sin(n * phase) / n**softness for n in range(1, count))
    return np.asarray(tone * np.minimum(np.minimum(time, seconds - time) / 0.04, 1))


def _sung(note: int, seconds: float) -> Wave:
    spectrum = np.fft.rfft(tone := _bowed(note - 5, seconds, 1.2))
    hertz = np.fft.rfftfreq(len(tone), 1 / RATE)
    mouth = sum(1 / (1 + ((hertz - at) / (60 + 0.03 * at)) ** 2) for at in _VOWELS[note % 4])
    return np.fft.irfft(spectrum * mouth, len(tone))


def _plucked(note: int, random: np.random.Generator) -> Wave:
    """Karplus and Strong's string."""
    string = random.uniform(-1, 1, round(RATE / _hertz(note)))
    turns = []
    for _ in range(round(1.5 * RATE / len(string))):
        turns.append(string)
        string = 0.498 * (string + np.roll(string, 1))
    return np.concatenate(turns)


def _drum(snare: bool, random: np.random.Generator) -> Wave:
    time = _time(0.25)
    if snare:
        noise = 0.6 * random.standard_normal(len(time)) * np.exp(-time / 0.06)
        return np.asarray(noise + 0.5 * np.sin(2 * np.pi * 185 * time) * np.exp(-time / 0.05))
    fall = 50 * time + 5 * (1 - np.exp(-time / 0.05))
    return np.asarray(np.sin(2 * np.pi * fall) * np.exp(-time / 0.08))


def _hat(random: np.random.Generator) -> Wave:
    time = _time(0.12)
    noise = np.diff(random.standard_normal(len(time) + 2), 2)
    return np.asarray(0.15 * noise * np.exp(-time / 0.03))


def _late(random: np.random.Generator, seconds: float = 0.005) -> float:
    return abs(float(seconds * random.standard_normal()))


def _tune(play: Callable[[int, float], Wave]) -> Iterable[tuple[float, Wave]]:
    random = np.random.default_rng(3)
    at, note = 0.0, 62
    while at < SECONDS:
        note = int(np.clip(note + random.choice([-4, -2, -1, 1, 2, 4, 5, -5]), 57, 70))
        seconds = float(random.uniform(0.3, 1.0))
        yield at, play(note, seconds)
        at += seconds + (0.2 if random.random() < 0.15 else 0)


def _placed(notes: Iterable[tuple[float, Wave]]) -> Samples:
    whole = np.zeros(SECONDS * RATE)
    for at, note in notes:
        begin = round(at * RATE)
        whole[begin : begin + len(note)] += note[: max(0, len(whole) - begin)]
    return _level(whole)


def _level(samples: Wave) -> Samples:
    return np.asarray(0.3 * samples / np.abs(samples).max(), np.float32)
