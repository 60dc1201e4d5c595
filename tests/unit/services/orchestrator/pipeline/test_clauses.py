"""Cutting tokens into clauses."""

from hypothesis import given
from hypothesis import strategies as st

from services.orchestrator.pipeline.clauses import Clauses


def cut(*tokens: str) -> list[str]:
    clauses = Clauses()
    return [piece for token in tokens for piece in clauses.add(token)] + [clauses.rest()]


def test_sentences() -> None:
    assert cut("Sure, your table is ", "booked. We expect", " you.") == [
        "Sure, your table is booked. ",
        "We expect you.",
    ]


def test_the_first_clause_comes_early_and_later_ones_are_longer() -> None:
    text = (
        "Well, let me see, there is one at eight, one at nine, and, of course, one at ten o'clock"
    )
    first, second, *_ = cut(text)
    assert first == "Well, let me see, "
    assert len(second) >= 40


def test_abbreviations_end_nothing() -> None:
    assert cut("Dr. Smith is here. Come in")[0] == "Dr. Smith is here. "


def test_a_run_without_punctuation_is_cut_at_a_space() -> None:
    pieces = cut("word " * 100)
    assert all(len(piece) <= 200 for piece in pieces)
    assert all(piece.endswith(" ") for piece in pieces if piece)


@given(st.lists(st.text(alphabet="ab .,!?;:\n。、", max_size=30), max_size=30))
def test_nothing_is_changed_or_dropped(tokens: list[str]) -> None:
    assert "".join(cut(*tokens)) == "".join(tokens)


def test_a_word_without_an_end_is_cut_where_it_must_be() -> None:
    assert [len(piece) for piece in cut("x" * 450)] == [200, 200, 50]


def test_a_mark_alone_is_no_clause() -> None:
    assert cut("! Hello there. Bye")[0] == "! Hello there. "


def test_the_rest_is_given_once() -> None:
    clauses = Clauses()
    clauses.add("Hello")
    assert (clauses.rest(), clauses.rest()) == ("Hello", "")
