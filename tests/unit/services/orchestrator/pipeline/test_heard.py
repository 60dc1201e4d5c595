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


def test_a_word_counts_from_its_middle_also_without_times() -> None:
    heard = HeardText()
    heard.add("aaaa bbbb", Spoken(0, 9), 0.0, 0.9)
    assert [heard.upto("aaaa bbbb", at) for at in (0.19, 0.21, 0.69, 0.71)] == [
        "", "aaaa", "aaaa", "aaaa bbbb",
    ]  # fmt: skip


def test_later_pieces_count_from_the_replys_first_sample() -> None:
    heard = HeardText()
    heard.add("One.", Spoken(0, 5, [(0.0, 1.0)]), 0.5, 1.0)
    heard.add("One. Two.", Spoken(5, 9, [(1.0, 2.0)]), 1.5, 1.0)
    assert heard.upto("One. Two.", 1.9) == "One."
    assert heard.upto("One. Two.", 2.1) == "One. Two."


def test_a_word_is_heard_with_the_piece_that_says_it() -> None:
    heard = HeardText()
    heard.add("One.Two.", Spoken(0, 4), 0.0, 1.0)
    heard.add("One.Two.", Spoken(4, 8), 1.0, 1.0)
    assert heard.upto("One.Two.", 1.0) == "One."


def test_times_that_go_back_take_no_word_back() -> None:
    text = "One two three four."
    times = [(0.0, 0.2), (2.0, 2.2), (1.0, 1.2), (1.2, 1.4)]
    heard = HeardText()
    heard.add(text, Spoken(0, len(text), times), 0.0, 3.0)
    assert heard.upto(text, 1.5) == "One"
    assert heard.upto(text, 2.1) == text


def test_an_engine_that_says_two_words_as_one() -> None:
    text = "One two three four."
    heard = HeardText()
    heard.add(text, Spoken(0, len(text), [(0.0, 1.0), (1.0, 2.0)]), 0.0, 2.0)
    assert [heard.upto(text, at) for at in (0.4, 0.6, 1.6)] == ["", "One two", text]


def test_a_word_cut_in_two_is_heard_by_the_end_of_its_first_piece() -> None:
    heard = HeardText()
    heard.add("elephant", Spoken(0, 3), 0.0, 1.0)
    assert heard.upto("elephant", 1.0) == "elephant"
