"""Measures exported weights through faster-whisper: `python -m tests.models.tiny_whisper.evaluate`.

The sentences come from the grammar with a seed that training does not use; half of the voices are
variants training never heard.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from tests.models.tiny_whisper import grammar
from tests.models.tiny_whisper.sounds import telephone, wordless
from tests.models.tiny_whisper.speech import (
    UNSEEN_VARIANTS,
    VARIANTS,
    Samples,
    Spoken,
    Synthesiser,
    any_voice,
)
from tests.models.tiny_whisper.windows import Window, window

WEIGHTS = Path(__file__).parent / "weights"

Hear = Callable[[Samples], list[str]]


def errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Word insertions, deletions and substitutions between the two."""
    row = list(range(len(heard) + 1))
    for index, word in enumerate(said, 1):
        diagonal, row[0] = row[0], index
        for place, other in enumerate(heard, 1):
            best = min(diagonal + (word != other), row[place] + 1, row[place - 1] + 1)
            diagonal, row[place] = row[place], best
    return row[-1]


class Ears:
    """The exported model, heard in windows of a chosen length and as whole files."""

    def __init__(self, weights: Path) -> None:
        self._model = WhisperModel(
            str(weights), device="cpu", compute_type="int8", cpu_threads=1, num_workers=1
        )
        self._tokens = Tokenizer(self._model.hf_tokenizer, multilingual=False)

    def short(self, samples: Samples, seconds: float = 4.0, prompt: str = "") -> list[str]:
        """One greedy pass over a window of `seconds`, features padded with 0.0."""
        features = np.zeros((80, round(seconds * 100)), np.float32)
        made = self._model.feature_extractor(samples)[:, : features.shape[1]]
        features[:, : made.shape[1]] = made
        previous = [self._tokens.sot_prev, *self._tokens.encode(" " + prompt)] if prompt else []
        tokens = [*previous, self._tokens.sot, self._tokens.no_timestamps]
        result = self._model.model.generate(
            self._model.encode(features), [tokens], beam_size=1, max_length=448
        )[0]
        text: str = self._tokens.decode(result.sequences_ids[0])
        return text.split()

    def whole(self, samples: Samples) -> list[str]:
        """faster-whisper's own `transcribe`, with its defaults: 30 s windows and timestamps."""
        segments, _ = self._model.transcribe(samples)
        return " ".join(segment.text for segment in segments).split()

    def timed(self, samples: Samples) -> list[tuple[str, float, float]]:
        segments, _ = self._model.transcribe(samples, word_timestamps=True)
        found = [word for segment in segments for word in segment.words or ()]
        return [(word.word.strip(), word.start, word.end) for word in found]


class Material:
    """Speech that training did not use."""

    def __init__(self, seed: int, size: int) -> None:
        self.rng = random.Random(seed)
        self.noise = np.random.default_rng(seed)
        synthesiser = Synthesiser()
        self.spoken: list[Spoken] = []
        while len(self.spoken) < size:
            variants = UNSEEN_VARIANTS if len(self.spoken) % 2 else VARIANTS
            said = synthesiser.say(grammar.sentence(self.rng), any_voice(self.rng, variants))
            if said.duration <= 3.7:
                self.spoken.append(said)

    def windows(self, count: int, seconds: float, most: int) -> Iterator[Window]:
        for _ in range(count):
            yield window(self.spoken, seconds, most, self.rng, self.noise)


def _clean(spoken: Spoken) -> Samples:
    return np.pad(spoken.samples * 0.5, (3200, 1600)).astype(np.float32)


def word_error_rate(pairs: Sequence[tuple[Sequence[str], Sequence[str]]]) -> dict[str, float]:
    words = sum(len(said) for said, _ in pairs)
    wrong = sum(errors(said, heard) for said, heard in pairs)
    return {"wer_percent": round(100 * wrong / words, 2), "words": words}


def _over(windows: Iterator[Window], hear: Hear) -> dict[str, float]:
    return word_error_rate([([w.text for w in each.words], hear(each.samples)) for each in windows])


def unspoken(ears: Ears, sounds: Sequence[Samples]) -> dict[str, float]:
    """Words heard where there are none."""
    return {
        "windows": len(sounds),
        "words_4_s": sum(len(ears.short(samples)) for samples in sounds),
        "words_30_s": sum(len(ears.whole(samples)) for samples in sounds),
    }


def word_times(ears: Ears, windows: Iterator[Window]) -> dict[str, float]:
    """Distance in seconds of word starts and ends from where espeak-ng put them."""
    starts, ends = [], []
    for each in windows:
        heard = ears.timed(each.samples)
        if [text for text, _, _ in heard] == [word.text for word in each.words]:
            starts += [abs(h[1] - w.start) for h, w in zip(heard, each.words, strict=True)]
            ends += [abs(h[2] - w.end) for h, w in zip(heard, each.words, strict=True)]
    if not starts:
        return {"words": 0}
    return {
        "words": len(starts),
        "start_median_s": round(float(np.median(starts)), 3),
        "start_p95_s": round(float(np.quantile(starts, 0.95)), 3),
        "end_median_s": round(float(np.median(ends)), 3),
        "end_p95_s": round(float(np.quantile(ends, 0.95)), 3),
    }


def speed(ears: Ears, samples: Samples) -> dict[str, float]:
    """Milliseconds of one window on one thread, features included: the median of 15."""
    found = {}
    for seconds in (4.0, 8.0, 30.0):
        spent = []
        for _ in range(15):
            began = time.perf_counter()
            ears.short(samples, seconds)
            spent.append(time.perf_counter() - began)
        found[f"{seconds:.0f}_s_window_ms"] = round(1000 * float(np.median(spent)), 1)
    return found


def measure(weights: Path, size: int, seed: int) -> Iterator[tuple[str, dict[str, float]]]:
    ears, material = Ears(weights), Material(seed, size)
    clean = [(spoken.words, _clean(spoken)) for spoken in material.spoken]
    fewer = max(10, size // 10)

    def sentences(told: Sequence[tuple[Sequence[str], Samples]], hear: Hear) -> dict[str, float]:
        return word_error_rate([(words, hear(samples)) for words, samples in told])

    prompt = "I would like to book a flight to Paris"
    yield "4 s, clean, known voices", sentences(clean[::2], ears.short)
    yield "4 s, clean, unknown voices", sentences(clean[1::2], ears.short)
    yield "4 s, telephone", sentences(clean, lambda samples: ears.short(telephone(samples)))
    yield "4 s, with a prompt", sentences(clean, lambda samples: ears.short(samples, prompt=prompt))
    yield "4 s, noise, cuts, pauses", _over(material.windows(size, 4.0, 3), ears.short)
    yield (
        "8 s, noise, cuts, pauses",
        _over(material.windows(fewer, 8.0, 4), lambda samples: ears.short(samples, 8.0)),
    )
    yield "30 s, one sentence, transcribe()", sentences(clean[: fewer * 2], ears.whole)
    yield "30 s, many sentences, transcribe()", _over(material.windows(fewer, 30.0, 10), ears.whole)
    yield (
        "30 s, many sentences, no timestamps",
        _over(material.windows(fewer, 30.0, 10), lambda samples: ears.short(samples, 30.0)),
    )
    yield "no speech", unspoken(ears, [wordless(4.0, material.noise) for _ in range(fewer * 2)])
    yield "word times", word_times(ears, material.windows(fewer * 2, 6.0, 1))
    yield "speed", speed(ears, clean[0][1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--size", type=int, default=400, help="sentences")
    parser.add_argument("--seed", type=int, default=987_654)
    arguments = parser.parse_args()
    for name, values in measure(arguments.weights, arguments.size, arguments.seed):
        print(f"{name}: {json.dumps(values)}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
