from pathlib import Path

import pytest

from services.asr.engines.base import Word
from services.asr.engines.whisper.load import Device, load
from services.asr.engines.whisper.segments import segments
from services.asr.engines.whisper.tokens import Vocabulary
from services.asr.engines.whisper.window import Hypothesis


@pytest.fixture(scope="module")
def vocabulary(random_whisper: str) -> Vocabulary:
    return load(Path(random_whisper), "random", Device("cpu", 0, "float32", 1)).vocabulary


def spans(
    vocabulary: Vocabulary, *parts: float | str, words: tuple[Word, ...] = ()
) -> list[tuple[float, float, str]]:
    """Segments of tokens given as seconds and words, in a window of 4 s."""
    tokens: list[int] = []
    for part in parts:
        if isinstance(part, str):
            tokens += vocabulary.encode_prompt(part)
        else:
            tokens.append(vocabulary.first_timestamp + round(part / 0.02))
    found = Hypothesis(tuple(tokens), "", -0.5, 0.1, 1.0, 0.0)
    made = segments(found, vocabulary, words, 4.0)
    return [(segment.start, segment.end, segment.text) for segment in made]


def test_timestamps_around_text_are_its_times(vocabulary: Vocabulary) -> None:
    assert spans(vocabulary, 0.0, "wa wb", 1.5, 1.8, "wc", 2.0) == [
        (0.0, 1.5, "wa wb"),
        (1.8, 2.0, "wc"),
    ]


def test_missing_timestamps_are_the_windows_edges(vocabulary: Vocabulary) -> None:
    assert spans(vocabulary, "wa") == [(0.0, 4.0, "wa")]
    assert spans(vocabulary, 1.0, "wa") == [(1.0, 4.0, "wa")]
    assert spans(vocabulary, "wa", 3.0, "wb") == [(0.0, 3.0, "wa"), (3.0, 4.0, "wb")]


def test_times_stay_inside_the_audio(vocabulary: Vocabulary) -> None:
    assert spans(vocabulary, 2.0, "wa", 29.0) == [(2.0, 4.0, "wa")]


def test_the_words_bound_an_only_segment(vocabulary: Vocabulary) -> None:
    words = (Word("wa", 0.7, 1.1, 0.5), Word("wb", 1.1, 1.6, 0.5))
    assert spans(vocabulary, "wa wb", words=words) == [(0.7, 1.6, "wa wb")]


def test_nothing_said_has_no_segments(vocabulary: Vocabulary) -> None:
    assert spans(vocabulary) == spans(vocabulary, 0.0, 4.0) == []
