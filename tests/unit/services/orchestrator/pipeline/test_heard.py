"""How much of a reply was heard."""

import pytest

from services.orchestrator.pipeline.heard import HeardText, Spoken

TEXT = "Your table is booked. We expect you at eight."


def marks(start: float = 0.0) -> HeardText:
    """One piece of 4.5 s, half a second a word, behind a filler of that length."""
    words = [(i / 2, i / 2 + 0.5) for i in range(9)]
    heard = HeardText()
    heard.add(TEXT, Spoken(0, len(TEXT), words), start, 4.5)
    return heard


@pytest.mark.parametrize(
    ("played", "expected"),
    [(0.0, ""), (0.2, ""), (0.3, "Your"), (1.9, "Your table is booked."), (9, TEXT)],
)
def test_words_by_their_times(played: float, expected: str) -> None:
    assert marks().upto(TEXT, played) == expected


def test_a_filler_before_the_reply_shifts_it() -> None:
    assert marks(1.0).upto(TEXT, 1.2) == ""
    assert marks(1.0).upto(TEXT, 1.3) == "Your"


def test_without_times_words_are_spread_over_the_piece() -> None:
    heard = HeardText()
    heard.add(TEXT, Spoken(0, 21), 0.0, 2.0)
    heard.add(TEXT, Spoken(21, len(TEXT)), 2.0, 2.0)
    assert heard.upto(TEXT, 1.99) == "Your table is booked."
    assert heard.upto(TEXT, 2.4) == "Your table is booked. We"


def test_an_engine_that_says_a_word_as_two() -> None:
    text = "It costs $5 today."
    heard = HeardText()
    spoken = Spoken(0, len(text), [(i / 2, i / 2 + 0.5) for i in range(5)])
    heard.add(text, spoken, 0.0, 2.5)
    assert heard.upto(text, 2.5) == text
    assert heard.upto(text, 1.3).startswith("It costs")
