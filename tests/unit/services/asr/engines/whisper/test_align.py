import numpy as np
import pytest

from services.asr.engines.base import SAMPLE_RATE
from services.asr.engines.whisper.align import _joined, _Piece, _token_times, _words


def piece(text: str, start: float = 0.0, end: float = 0.5) -> _Piece:
    return _Piece(text, start, end, [0.5])


def test_a_token_begins_where_the_path_first_reaches_it() -> None:
    assert _token_times([(0, 0), (0, 5), (1, 6), (1, 9), (3, 20)]) == [0.0, 0.12, 0.4, 0.4]


def test_punctuation_belongs_to_its_word() -> None:
    made = _joined([piece(' "'), piece(" Yes"), piece(","), piece(" no"), piece("."), piece('"')])
    assert [each.text for each in made] == ['"Yes,', 'no."']


def test_an_opening_mark_at_the_end_is_not_lost() -> None:
    assert [each.text for each in _joined([piece(" so"), piece(" (")])] == ["so("]


def test_words_do_not_swallow_pauses_and_stay_in_order() -> None:
    pieces = [
        piece("one", 0.0, 9.0),
        piece("two", 9.0, 9.4),
        piece("three", 9.2, 9.6),
        piece("four", 9.6, 30.0),
    ]
    words = _words(pieces, 12.0, np.zeros(12 * SAMPLE_RATE, np.float32))
    assert [word.word for word in words] == ["one", "two", "three", "four"]
    times = [time for word in words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[-1] <= 12.0
    assert words[0].end == 9.0
    assert all(word.end - word.start <= 1.41 for word in words)


@pytest.mark.parametrize("said_at", [1.0, 2.6])
def test_a_word_with_a_pause_is_where_the_sound_is(said_at: float) -> None:
    """The path may give a pause to the word behind it or to the one before."""
    samples = np.zeros(4 * SAMPLE_RATE, np.float32)
    at = round(said_at * SAMPLE_RATE)
    samples[at : at + SAMPLE_RATE // 3] = 0.5
    pieces = [piece("Monday", 0.5, 1.0), piece("yes", 1.0, 3.0), piece("thank", 3.0, 3.4)]

    _, word, _ = _words(pieces, 4.0, samples)

    assert word.start <= said_at + 0.01
    assert word.end >= said_at + 0.33
    assert 1.0 <= word.start < word.end <= 3.0
