"""Text that remembers where it came from."""

import re

from services.tts.pipeline.normalise.mapped import Mapped, alternatives


def test_a_replacement_shares_the_origin_of_its_match() -> None:
    text = Mapped.plain("pay $5 now", 10).replace(re.compile(r"\$5"), "five dollars")
    assert text.text == "pay five dollars now"
    at = text.text.index("dollars")
    assert text.origin(at, at + 7) == (14, 16)
    assert text.origin(0, len(text)) == (10, 20)


def test_what_is_kept_of_a_match_keeps_its_own_origins() -> None:
    text = Mapped.plain("a [b](c) d").keep(re.compile(r"\[(\w)\]\(\w\)"), 1)
    assert (text.text, text.starts) == ("a b d", (0, 1, 3, 8, 9))


def test_characters_may_vanish_or_grow() -> None:
    text = Mapped.plain("aßc").translate(lambda c: {"a": "", "ß": "ss"}.get(c, c))
    assert (text.text, text.starts, text.ends) == ("ssc", (1, 1, 2), (2, 2, 3))


def test_nothing_replaced_is_the_same_object() -> None:
    text = Mapped.plain("abc")
    assert text.replace(re.compile("x"), "y") is text
    assert text.keep(re.compile("(x)"), 1) is text
    assert text.replace(re.compile("b"), lambda _: None) is text


def test_an_empty_span_lies_where_it_stands() -> None:
    text = Mapped.plain("ab", 5)
    assert text.origin(1, 1) == (6, 6)
    assert text.origin(2, 2) == (7, 7)
    assert Mapped("", (), ()).origin(0, 0) == (0, 0)


def test_white_space_at_the_ends_goes_with_its_origins() -> None:
    assert Mapped.plain("  a ").stripped() == Mapped("a", (2,), (3,))
    assert len(Mapped.plain("   ").stripped()) == 0


def test_the_longest_alternative_wins() -> None:
    assert re.findall(alternatives(["km", "k", "km/h"]), "k km km/h") == ["k", "km", "km/h"]
