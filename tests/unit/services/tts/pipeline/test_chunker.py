"""Where text is cut, whole and as it arrives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tts.pipeline.chunker import Chunker, Clause


def cut(text: str, *, longest: int = 300, step: int = 0) -> list[str]:
    chunker = Chunker(longest)
    pieces = [text[at : at + step] for at in range(0, len(text), step)] if step else [text]
    clauses = [clause for piece in pieces for clause in chunker.feed(piece)]
    return [clause.text for clause in clauses + chunker.flush()]


STORY = (
    "Well, of course I can help with that, and gladly. Dr. Smith paid $3.50 for it, e.g. in cash. "
    "It was late at night, although nobody in the whole house had noticed, and cold. Yes. No! "
)


def test_the_first_clause_comes_early_and_later_ones_are_whole_sentences() -> None:
    assert [piece.strip() for piece in cut(STORY)] == [
        "Well, of course I can help with that,",
        "and gladly. Dr. Smith paid $3.50 for it, e.g. in cash.",
        "It was late at night, although nobody in the whole house had noticed, and cold.",
        "Yes. No!",
    ]


def test_token_by_token_the_first_clause_is_out_before_the_rest_is_known() -> None:
    chunker = Chunker(300)
    out: list[Clause] = []
    for token in ("Sure", ",", " I", " can", " help", ".", " What"):
        out += chunker.feed(token)
    assert out == [Clause("Sure, I can help.", 0)]
    assert chunker.flush() == [Clause(" What", 17)]


@pytest.mark.parametrize(
    "whole",
    [
        "I met Dr. Jones and Mr. T. Brown there",
        "It cost 3.50 and took 1,000 days to build",
        "1. First things go first",
        "He works at the U.S. office of Acme",
        "see [the long, winding road](http://a.b/c)",
    ],
)
def test_not_every_mark_is_an_end(whole: str) -> None:
    assert cut(whole) == [whole]


def test_other_scripts_have_their_own_ends() -> None:
    assert cut("你好，世界！今天天气很好。我们去散步吧。然后回家。") == [
        "你好，世界！",
        "今天天气很好。我们去散步吧。",
        "然后回家。",
    ]


def test_a_text_without_ends_is_cut_at_white_space() -> None:
    pieces = cut("word " * 200, longest=100)
    assert all(len(piece) <= 100 for piece in pieces)
    assert all(piece.split() == ["word"] * len(piece.split()) for piece in pieces)


def test_a_text_without_white_space_is_cut_where_it_must_be() -> None:
    assert [len(piece) for piece in cut("x" * 250, longest=100)] == [100, 100, 50]


def test_blank_text_gives_no_clause() -> None:
    assert cut("  \n \n  ") == []


def test_a_flush_speaks_what_is_there_and_goes_on() -> None:
    chunker = Chunker(300)
    assert chunker.feed("Just a") == []
    assert chunker.flush() == [Clause("Just a", 0)]
    assert chunker.feed(" moment") == []
    assert chunker.received == 13


@given(
    st.text(alphabet="ab .,!?\n—。，Dr1[]()", max_size=400),
    st.integers(0, 7),
    st.integers(20, 120),
)
def test_no_character_is_lost_or_said_twice(text: str, step: int, longest: int) -> None:
    chunker = Chunker(longest)
    pieces = [text[at : at + step] for at in range(0, len(text), step)] if step else [text]
    clauses = [clause for piece in pieces for clause in chunker.feed(piece)] + chunker.flush()
    assert all(text[clause.start : clause.end] == clause.text for clause in clauses)
    assert all(0 < len(clause.text) <= longest for clause in clauses)
    spoken = "".join(clause.text for clause in clauses)
    assert spoken.split() == text.split() or "".join(spoken.split()) == "".join(text.split())


def test_a_sentence_as_long_as_the_engine_can_say_is_one_clause() -> None:
    assert cut("aaaa bbbb cccc dddd. Next", longest=20)[0] == "aaaa bbbb cccc dddd."
    assert Chunker(20).feed("a" * 20) == []


def test_a_mark_beyond_what_the_engine_can_say_makes_no_longer_clause() -> None:
    assert [len(clause) for clause in cut("字" * 20 + "。", longest=20)] == [20, 1]


def test_a_word_longer_than_the_engine_can_say_is_cut_where_it_must_be() -> None:
    assert len(cut("a " + "b" * 60, longest=30)[0]) == 30


def test_after_a_cut_the_next_clause_is_looked_for_from_its_first_character() -> None:
    chunker = Chunker(300)
    assert chunker.feed("a" * 60) == []
    assert len(chunker.feed(". ")) == 1
    assert len(chunker.feed("Then this is the second one. X")) == 1
