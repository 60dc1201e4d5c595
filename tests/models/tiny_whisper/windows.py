"""Windows of sound: utterances placed in silence and noise, cut, filtered, told word by word."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.models.tiny_whisper.sounds import in_a_room, wordless
from tests.models.tiny_whisper.speech import SAMPLE_RATE, Samples, Spoken

SHORTEST = 400
"""Samples in the shortest window: one frame of features."""


@dataclass(frozen=True)
class Word:
    text: str
    start: float
    end: float

    def moved(self, seconds: float) -> Word:
        return Word(self.text, self.start + seconds, self.end + seconds)

    def heard(self, until: float) -> float:
        """The share of the word that sound up to `until` holds."""
        return min(1.0, (until - self.start) / max(self.end - self.start, 0.01))


@dataclass(frozen=True)
class Window:
    samples: Samples
    """As heard: may end before the window does, as a live partial does."""
    utterances: tuple[tuple[Word, ...], ...] = ()
    before: tuple[str, ...] = ()
    """Words of the first utterance that were cut off at its start (a streamed prompt)."""

    @property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for utterance in self.utterances for word in utterance)


@dataclass(frozen=True)
class _Clip:
    samples: Samples
    words: tuple[Word, ...]
    before: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE


def _clip(spoken: Spoken) -> _Clip:
    """Word times out of espeak-ng's marks; words it ran together share their interval."""
    words = []
    for index, text in enumerate(spoken.words):
        start = max((at for at in spoken.starts[: index + 1] if at is not None), default=0.0)
        end = min((at for at in spoken.starts[index + 1 :] if at is not None), default=None)
        words.append(Word(text, start, spoken.duration if end is None else end))
    return _Clip(spoken.samples, tuple(words))


def _without_start(clip: _Clip, rng: random.Random) -> _Clip:
    """The clip from a word boundary on: what is left after streaming trimmed its window."""
    places = [i for i in range(1, len(clip.words)) if clip.words[i].start > clip.words[i - 1].start]
    if not places:
        return clip
    place = rng.choice(places)
    at = clip.words[place].start
    words = tuple(word.moved(-at) for word in clip.words[place:])
    before = tuple(w.text for w in clip.words[:place])
    return _Clip(clip.samples[int(at * SAMPLE_RATE) :], words, before)


def _cut(clip: _Clip, rng: random.Random, longest: float) -> _Clip:
    """The clip's first part, cut at a word's end or inside a word that is clearly (not) heard."""
    longest = min(longest, clip.seconds)
    ends = [w.end + rng.uniform(-0.02, 0.03) for w in clip.words if w.end <= longest]
    anywhere = [rng.uniform(0.05, longest) for _ in range(4)] if longest > 0.1 else []
    candidates = anywhere + ends if rng.random() < 0.5 else ends + anywhere
    for until in candidates:
        shares = [word.heard(until) for word in clip.words]
        if any(0.45 < share < 0.9 for share in shares):
            continue
        words = tuple(
            Word(word.text, word.start, min(word.end, until))
            for word, share in zip(clip.words, shares, strict=True)
            if share >= 0.9
        )
        return _Clip(clip.samples[: int(until * SAMPLE_RATE)], words, clip.before)
    return _Clip(clip.samples[:0], (), clip.before)


@dataclass
class _Timeline:
    """Sound laid end to end, with what is said in it."""

    length: float
    parts: list[Samples] = field(default_factory=list)
    told: list[tuple[Word, ...]] = field(default_factory=list)
    at: float = 0.0

    @property
    def room(self) -> float:
        return self.length - self.at

    def pause(self, seconds: float) -> None:
        self._append(np.zeros(max(0, int(min(seconds, self.room) * SAMPLE_RATE)), np.float32))

    def say(self, clip: _Clip, gain: float) -> None:
        if clip.words:
            self.told.append(tuple(word.moved(self.at) for word in clip.words))
        self._append(clip.samples * np.float32(gain))

    def samples(self) -> Samples:
        sound = np.concatenate(self.parts)
        return np.pad(sound, (0, max(0, SHORTEST - len(sound))))

    def _append(self, sound: Samples) -> None:
        self.parts.append(sound)
        self.at += len(sound) / SAMPLE_RATE


def empty_window(seconds: float, rng: np.random.Generator) -> Window:
    """Silence, noise, music, breaths: nothing to write down."""
    return Window(wordless(seconds * (1.0 if rng.random() < 0.6 else rng.uniform(0.1, 1.0)), rng))


def window(
    pool: Sequence[Spoken],
    seconds: float,
    most: int,
    rng: random.Random,
    noise: np.random.Generator,
) -> Window:
    """At most `most` utterances of the pool in `seconds` of sound, the last of them perhaps cut."""
    line = _Timeline(seconds)
    before: tuple[str, ...] = ()
    for index in range(most):
        clip = _clip(rng.choice(pool))
        if index == 0 and rng.random() < 0.15:
            clip = _without_start(clip, rng)
            before = clip.before
        line.pause(0.05 if clip.before else _gap(seconds / most, rng) + (0.15 if index else 0.0))
        if clip.seconds > line.room or (index == most - 1 and rng.random() < 0.35):
            line.say(_cut(clip, rng, line.room), _gain(rng))
            break
        line.say(clip, _gain(rng))
    else:
        line.pause(rng.uniform(0.0, 0.7) if rng.random() < 0.6 else line.room)
    return Window(in_a_room(line.samples(), noise, speech=True), tuple(line.told), before)


def _gap(longest: float, rng: random.Random) -> float:
    return rng.uniform(0.0, 0.5) if rng.random() < 0.75 else rng.uniform(0.0, longest)


def _gain(rng: random.Random) -> float:
    return float(10 ** rng.uniform(-0.4, 0.0))
