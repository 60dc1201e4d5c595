"""The checked-in weights hear what espeak-ng says, through faster-whisper, and nothing else."""

from __future__ import annotations

import json
import multiprocessing
import random
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from tests.models.tiny_whisper.evaluate import WEIGHTS, Ears, errors
from tests.models.tiny_whisper.sounds import telephone, wordless
from tests.models.tiny_whisper.speech import SAMPLE_RATE, Samples, Spoken, said
from tests.models.tiny_whisper.vocabulary import SPECIALS, TIMESTAMPS, UNKNOWN, Vocabulary
from tests.models.tiny_whisper.windows import SHORTEST

SENTENCES = (
    "I would like to book a flight to London",
    "my flight number is K seven two nine",
    "what's the weather like in Paris",
    "hello my name is Laura Miller",
    "wait I want to say something",
    "uh-huh",
    "okay",
    "seven",
    "yes",
    "stop",
)


@pytest.fixture(scope="module")
def ears() -> Ears:
    return Ears(WEIGHTS)


@pytest.fixture(scope="module")
def spoken() -> list[Spoken]:
    # in a process of its own: other tests change the library's state, which is one a process
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawned) as process:
        return process.submit(said, SENTENCES).result()


def _padded(spoken: Spoken) -> Samples:
    return np.pad(spoken.samples * np.float32(0.5), (3200, 1600))


def _wrong(spoken: list[Spoken], heard: list[list[str]]) -> int:
    return sum(errors(each.words, words) for each, words in zip(spoken, heard, strict=True))


def test_the_vocabulary_is_that_of_the_grammar() -> None:
    vocabulary = Vocabulary()
    exported = json.loads((WEIGHTS / "vocabulary.json").read_text())
    words = [f"Ġ{word}" for word in vocabulary.words]
    assert exported == [*words, UNKNOWN, *SPECIALS, *TIMESTAMPS]
    assert len(exported) == vocabulary.size


def test_sentences_are_heard_in_a_window_of_four_seconds(ears: Ears, spoken: list[Spoken]) -> None:
    assert _wrong(spoken, [ears.short(_padded(each)) for each in spoken]) <= 1


def test_sentences_are_heard_over_the_telephone(ears: Ears, spoken: list[Spoken]) -> None:
    assert _wrong(spoken, [ears.short(telephone(_padded(each))) for each in spoken]) <= 2


def test_sentences_are_heard_in_a_window_of_thirty_seconds(
    ears: Ears, spoken: list[Spoken]
) -> None:
    assert _wrong(spoken, [ears.whole(_padded(each)) for each in spoken]) <= 1


def test_a_prompt_changes_nothing_that_is_clear(ears: Ears, spoken: list[Spoken]) -> None:
    heard = [ears.short(_padded(each), prompt="good morning, Zanzibar") for each in spoken]
    assert _wrong(spoken, heard) <= 2


def test_half_a_sentence_is_heard_as_its_first_words(ears: Ears, spoken: list[Spoken]) -> None:
    sentence = spoken[0]
    end = sentence.starts[6]
    assert end is not None
    part = np.pad(sentence.samples[: int(end * SAMPLE_RATE)], (3200, 0))
    assert errors(sentence.words[:6], ears.short(part)) <= 1


def test_words_are_timed_where_they_were_said(ears: Ears, spoken: list[Spoken]) -> None:
    found = ears.timed(_padded(spoken[0]))
    assert len(found) == len(spoken[0].words)
    wanted = [0.2 + start for start in spoken[0].starts if start is not None]
    assert np.median(np.abs(np.array([start for _, start, _ in found]) - wanted)) < 0.15


@pytest.mark.parametrize("seconds", [SHORTEST / SAMPLE_RATE, 1.0, 4.0])
def test_no_words_come_from_sounds_that_are_no_speech(ears: Ears, seconds: float) -> None:
    noise = np.random.default_rng(5)
    assert [ears.short(wordless(seconds, noise)) for _ in range(6)] == [[]] * 6


def test_no_words_come_from_digital_silence(ears: Ears) -> None:
    assert ears.short(np.zeros(SAMPLE_RATE, np.float32)) == []
    assert ears.whole(np.zeros(SAMPLE_RATE, np.float32)) == []


def test_errors_counts_edits() -> None:
    words = [str(random.Random(1).random()) for _ in range(4)]
    assert errors(words, words) == 0
    assert errors(words, words[1:]) == 1
    assert errors(words, ["other", *words[1:], "more"]) == 2
