"""Batches for training: windows of speech with the tokens a decoder should say about them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from faster_whisper.feature_extractor import FeatureExtractor

from tests.models.tiny_whisper import grammar
from tests.models.tiny_whisper.speech import Spoken, Synthesiser, any_voice
from tests.models.tiny_whisper.vocabulary import Vocabulary
from tests.models.tiny_whisper.windows import Window, empty_window, window

IGNORED = -100
"""The label of a token that is not learned."""
POOL = 3000
"""Utterances kept; a few are replaced at every step, as synthesis costs 4 ms each."""

EMPTY, PROMPTED, TIMED = 0.08, 0.2, 0.5
"""Shares of windows: without speech, with previous text, with timestamps."""


@dataclass(frozen=True)
class Shape:
    """A kind of batch."""

    seconds: float
    batch: int
    most: int
    """Most utterances in one window."""

    @property
    def frames(self) -> int:
        return round(self.seconds * 100)


@dataclass(frozen=True)
class Batch:
    features: torch.Tensor
    """[batch, 80, frames]"""
    offsets: torch.Tensor
    """[batch]: the encoder frame of a 30 s window at which each row begins."""
    tokens: torch.Tensor
    labels: torch.Tensor
    """Both [batch, tokens]."""
    targets: list[list[int]]
    """CTC: the word ids of each row."""
    pointed: torch.Tensor
    """[batch, tokens, encoder frames]: where the aligned heads should look; zero rows are free."""


@dataclass(frozen=True)
class _Told:
    inputs: list[int]
    labels: list[int]
    places: list[int]
    """Where each word, and then the end, is predicted."""


@dataclass(frozen=True)
class _Row:
    features: npt.NDArray[np.float32]
    offset: int
    told: _Told
    words: list[int]
    spans: dict[int, tuple[int, int]]


class Curriculum:
    """Makes batches out of a pool of utterances that is slowly renewed."""

    def __init__(self, vocabulary: Vocabulary, seed: int) -> None:
        self._vocabulary = vocabulary
        self._rng = random.Random(seed)
        self._noise = np.random.default_rng(seed)
        self._synthesiser = Synthesiser()
        self._extract = FeatureExtractor()
        self._pool = [self._utterance() for _ in range(POOL)]

    def batch(self, shape: Shape, shifted: float) -> Batch:
        """`shifted`: share of rows that begin somewhere inside the 30 s, positions to match."""
        for _ in range(shape.batch // 3):
            self._pool[self._rng.randrange(POOL)] = self._utterance()
        rows = [self._row(shape, shifted) for _ in range(shape.batch)]
        length = max(len(row.told.inputs) for row in rows)
        tokens = torch.full((shape.batch, length), self._vocabulary.special("endoftext"))
        labels = torch.full((shape.batch, length), IGNORED)
        pointed = torch.zeros(shape.batch, length, shape.frames // 2)
        for index, row in enumerate(rows):
            tokens[index, : len(row.told.inputs)] = torch.tensor(row.told.inputs)
            labels[index, : len(row.told.labels)] = torch.tensor(row.told.labels)
            for place, (first, last) in row.spans.items():
                pointed[index, place, first:last] = 1.0
        return Batch(
            features=torch.from_numpy(np.stack([row.features for row in rows])),
            offsets=torch.tensor([row.offset for row in rows]),
            tokens=tokens,
            labels=labels,
            targets=[row.words for row in rows],
            pointed=pointed,
        )

    def _utterance(self) -> Spoken:
        return self._synthesiser.say(grammar.sentence(self._rng), any_voice(self._rng))

    def _row(self, shape: Shape, shifted: float) -> _Row:
        rng = self._rng
        if rng.random() < EMPTY:
            made = empty_window(shape.seconds, self._noise)
        else:
            most = rng.randint(1, shape.most)
            made = window(self._pool, shape.seconds, most, rng, self._noise)
        features = np.zeros((80, shape.frames), np.float32)  # faster-whisper pads with 0.0 too
        heard = self._extract(made.samples)[:, : shape.frames]
        features[:, : heard.shape[1]] = heard
        latest = 1500 - shape.frames // 2
        offset = rng.randint(0, latest) if rng.random() < shifted else 0
        told = self._told(made, offset * 0.02)
        words = self._vocabulary.encode(word.text for word in made.words)
        return _Row(features, offset, told, words, _spans(made, told.places, heard.shape[1] // 2))

    def _told(self, made: Window, shift: float) -> _Told:
        vocabulary, rng = self._vocabulary, self._rng
        timed = rng.random() < TIMED
        prompt = self._prompt(made.before, timed=timed) if rng.random() < PROMPTED else []
        begin = len(prompt)
        tokens = [*prompt, vocabulary.special("startoftranscript")]
        if not timed:
            tokens.append(vocabulary.special("notimestamps"))
        elif not made.utterances:
            tokens.append(vocabulary.timestamp(shift))
        places = []
        for utterance in made.utterances:
            if timed:
                tokens.append(vocabulary.timestamp(utterance[0].start + shift))
            for word in utterance:
                places.append(len(tokens) - 1)
                tokens += vocabulary.encode([word.text])
            if timed:
                tokens.append(vocabulary.timestamp(utterance[-1].end + shift))
        places.append(len(tokens) - 1)
        tokens.append(vocabulary.special("endoftext"))
        labels = [IGNORED] * begin + tokens[begin + 1 :]
        if not made.utterances:
            labels[begin] = vocabulary.special("nospeech")
        elif timed and made.words[0].start + shift > 1.0:
            # Decoders allow no first timestamp after 1.0 s: one that is too early must do no harm.
            labels[begin] = IGNORED
            tokens[begin + 1] = vocabulary.timestamp(rng.uniform(0.0, 1.0))
        return _Told(tokens[:-1], labels, places)

    def _prompt(self, before: Sequence[str], *, timed: bool) -> list[int]:
        """Previous text: what was cut off the front, other sentences, words unknown to us."""
        vocabulary, rng = self._vocabulary, self._rng
        words = list(before)
        if not words or rng.random() < 0.3:
            for _ in range(rng.randint(1, 4)):
                words = [*grammar.sentence(rng), *words]
        ids = vocabulary.encode(words)
        ids = [vocabulary.unknown if rng.random() < 0.05 else each for each in ids]
        if timed and rng.random() < 0.5:
            end = rng.uniform(1.0, 29.0)
            ids = [vocabulary.timestamp(end / 2), *ids, vocabulary.timestamp(end)]
        return [vocabulary.special("startofprev"), *ids]


def _spans(made: Window, places: Sequence[int], frames: int) -> dict[int, tuple[int, int]]:
    """The encoder frames of each word, and the 0.3 s after the last for the end."""
    spans = {}
    for place, word in zip(places, made.words, strict=False):
        first = min(int(word.start * 50), frames - 1)
        spans[place] = (first, max(first + 1, min(frames, round(word.end * 50))))
    if made.words:
        after = min(frames - 1, round(made.words[-1].end * 50))
        spans[places[-1]] = (after, min(frames, after + 15))
    return spans
