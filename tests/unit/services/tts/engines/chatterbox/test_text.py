"""Text on its way to the model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tts.engines.chatterbox import text as texts
from services.tts.engines.chatterbox.variants import SPECS, Variant, VariantSpec


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("hello  there", "Hello there."),
        ("wait\u2026 what?", "Wait, what?"),
        ("\u201cYes\u201d: no", '"Yes", no.'),
        ("so , it is!", "So, it is!"),
    ],
)
def test_turbo_gets_punctuation_as_it_learnt_it(written: str, spoken: str) -> None:
    assert texts.normalise(written, Variant.TURBO).replace("  ", " ") == spoken


def test_the_others_lose_semicolons_too() -> None:
    assert texts.normalise("a; b", Variant.ENGLISH) == "A,  b."
    assert texts.normalise("a; b", Variant.TURBO) == "A; b."


TOKENS = 25 / 14
"""Of a letter, at an ordinary pace."""


@pytest.mark.parametrize(
    ("text", "letters", "expected"),
    [
        ("One here. Two there.", 12, ["One here.", "Two there."]),
        ("one clause, and another", 15, ["one clause,", "and another"]),
        ("many little words here", 12, ["many little", "words here"]),
        ("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5]),
        ("\u4f60\u597d\u4e16\u754c" * 2, 12, ["\u4f60\u597d\u4e16\u754c"] * 2),
        ("   ", 10, []),
    ],
)
def test_cuts_are_made_at_the_best_place(text: str, letters: int, expected: list[str]) -> None:
    assert [span.text for span in texts.split(text, letters * TOKENS)] == expected


@given(st.text(alphabet="ab .,!?\u3002\u4f60\n", max_size=200), st.integers(5, 60))
def test_pieces_are_short_in_order_and_lose_nothing_but_space(text: str, letters: int) -> None:
    spans = texts.split(text, letters * TOKENS)
    assert all(texts.weight(span.text) <= letters for span in spans)
    assert all(text[span.start :].startswith(span.text) for span in spans)
    assert "".join("".join(span.text for span in spans).split()) == "".join(text.split())


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.variant)
@pytest.mark.parametrize("letter", ["a", "\u4f60"])
def test_no_piece_takes_more_tokens_than_it_may_have(spec: VariantSpec, letter: str) -> None:
    pieces = texts.split(letter * 1200, spec.safe_tokens)
    assert max(texts.speech_tokens(piece.text) for piece in pieces) <= spec.safe_tokens + 1
    assert spec.safe_tokens < texts.MOST_TOKENS


def test_very_short_texts_are_padded_with_pauses() -> None:
    assert texts.is_short("Yes.")
    assert not texts.is_short("This is long enough.")
    assert not texts.is_short("\u4f60\u597d\u4e16\u754c")
    assert texts.pad("Yes.") == "Yes. ..."
    assert texts.pad("Yes") == "Yes. ..."


def test_a_text_has_as_many_tokens_as_its_length_allows() -> None:
    short, long = texts.limits("Hello there."), texts.limits("Hello there. " * 20)
    assert 0 < short.least < 12 / 14 * 25 < short.most
    assert short.most < long.most <= texts.MOST_TOKENS
    assert texts.limits("\u4f60\u597d" * 10).most > texts.limits("ab" * 10).most
