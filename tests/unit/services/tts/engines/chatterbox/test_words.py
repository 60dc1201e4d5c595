"""Words are handed out with the audio that they begin in."""

import pytest

from services.tts.engines.chatterbox.text import Span
from services.tts.engines.chatterbox.words import WordClock


def test_words_come_as_their_audio_does_and_point_into_the_text() -> None:
    clock = WordClock(Span("One two three.", 10), begun=2.0)
    first = clock.until(0.2, None, last=False)
    second = clock.until(0.5, 1.2, last=False)
    third = clock.until(1.2, 1.2, last=True)
    assert [[word.word for word in part] for part in (first, second, third)] == [
        ["One"], ["two"], ["three"],
    ]  # fmt: skip
    assert (first[0].text_start, first[0].text_end) == (10, 13)
    assert third[0].text_end == 23
    assert first[0].start == 2.0
    assert third[0].end == pytest.approx(3.2)
    assert all(word.estimated for word in (*first, *second, *third))


def test_at_the_end_no_word_is_kept_back() -> None:
    clock = WordClock(Span("many words for very little sound", 0), begun=0.0)
    words = clock.until(0.1, 0.1, last=True)
    assert len(words) == 6
    assert words[-1].end == pytest.approx(0.1)
