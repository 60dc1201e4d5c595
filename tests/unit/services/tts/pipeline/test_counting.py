"""English number words."""

import pytest

from services.tts.pipeline.normalise.counting import LARGEST, counted, ordinal


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (99, "ninety-nine"),
        (100, "one hundred"),
        (118, "one hundred and eighteen"),
        (1000, "one thousand"),
        (1005, "one thousand and five"),
        (1_000_100, "one million one hundred"),
        (2_000_042, "two million and forty-two"),
        (34_000, "thirty-four thousand"),
    ],
)
def test_numbers_are_counted(number: int, words: str) -> None:
    assert counted(number) == words


def test_the_largest_has_words() -> None:
    assert counted(LARGEST).startswith("nine hundred and ninety-nine quadrillion")


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "first"), (12, "twelfth"), (20, "twentieth"), (22, "twenty-second"),
     (100, "one hundredth"), (1_008, "one thousand and eighth"),
     (30, "thirtieth"), (6, "sixth"), (9, "ninth")],
)  # fmt: skip
def test_numbers_have_ordinals(number: int, words: str) -> None:
    assert ordinal(number) == words
