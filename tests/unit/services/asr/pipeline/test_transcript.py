"""LocalAgreement-2: what two hypotheses share only ever grows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.asr.engines.base import Transcript, Word
from services.asr.pipeline.transcript import LocalAgreement


def hypothesis_of(text: str, start: float = 0.0, language: str = "en") -> Transcript:
    """Words of half a second each, one after the other."""
    words = tuple(
        Word(word, start + 0.5 * n, start + 0.5 * n + 0.5, 0.9)
        for n, word in enumerate(text.split())
    )
    return Transcript(text, words, language=language, confidence=0.9)


def test_one_hypothesis_settles_nothing() -> None:
    agreement = LocalAgreement()

    agreement.update(hypothesis_of("the cat sat"))

    assert (agreement.stable, agreement.text) == ("", "the cat sat")


def test_two_that_agree_do() -> None:
    agreement = LocalAgreement()

    agreement.update(hypothesis_of("the cat sat"))
    agreement.update(hypothesis_of("the cat sang loud"))

    assert (agreement.stable, agreement.text) == ("the cat", "the cat sang loud")


def test_a_language_that_changes_its_mind_rewrites_nothing() -> None:
    """Detected anew for each partial, it may: `stable` only grows all the same."""
    agreement = LocalAgreement()
    stable = []
    for language in ("ja", "ja", "en", "en", "ja"):
        agreement.update(hypothesis_of("今日 は いい", language=language))
        stable.append(agreement.stable)

    assert stable == ["", *["今日はいい"] * 4]


def test_case_and_punctuation_are_no_disagreement() -> None:
    agreement = LocalAgreement()

    agreement.update(hypothesis_of("Hello world"))
    agreement.update(hypothesis_of("hello, World."))

    assert agreement.stable == "hello, World."


def test_a_stable_word_is_never_taken_back() -> None:
    agreement = LocalAgreement()
    for text in ("eleven", "eleven", "seven o'clock", "seven o'clock sharp"):
        agreement.update(hypothesis_of(text))

    assert agreement.stable == "eleven o'clock"
    assert agreement.text == "eleven o'clock sharp"


def test_a_stable_word_that_moves_is_not_said_twice() -> None:
    agreement = LocalAgreement()
    agreement.update(hypothesis_of("one two"))
    agreement.update(hypothesis_of("one two three"))

    agreement.update(hypothesis_of("two three four", start=0.75))

    assert agreement.text == "one two three four"


def test_a_word_that_is_said_twice_is_kept_twice() -> None:
    agreement = LocalAgreement()
    for text in ("no", "no", "no no", "no no thanks"):
        agreement.update(hypothesis_of(text))

    assert agreement.text == "no no thanks"


def test_words_without_times_are_counted() -> None:
    agreement = LocalAgreement()
    for text in ("a b c", "a b d", "a b d e"):
        agreement.update(Transcript(text))

    assert (agreement.stable, agreement.text) == ("a b d", "a b d e")
    assert agreement.settle() is None


def test_settling_stops_at_the_end_of_a_sentence() -> None:
    agreement = LocalAgreement()
    text = "it rains. we stay"
    agreement.update(hypothesis_of(text))
    agreement.update(hypothesis_of(text))

    assert agreement.settle() == 1.0
    agreement.update(hypothesis_of("we stay home", start=1.0))

    assert agreement.text == "it rains. we stay home"
    final = agreement.complete(hypothesis_of("we stay at home", start=1.0))
    assert final.text == "it rains. we stay at home"
    assert [word.word for word in final.words] == final.text.split()


def settled(text: str) -> LocalAgreement:
    """After two hypotheses that agree, settled where it can be."""
    agreement = LocalAgreement()
    for _ in range(2):
        agreement.update(hypothesis_of(text))
    agreement.settle()
    return agreement


def test_without_a_sentence_end_the_last_two_words_stay_with_the_engine() -> None:
    agreement = LocalAgreement()
    for _ in range(2):
        agreement.update(hypothesis_of("a flight to Paris"))

    assert agreement.settle() == 1.0
    assert agreement.stable == "a flight to Paris"
    agreement.update(hypothesis_of("to Paris now", start=1.0))
    assert agreement.text == "a flight to Paris now"


def test_stable_words_that_come_again_late_are_still_the_same() -> None:
    agreement = settled("a flight to Paris")

    agreement.update(hypothesis_of("to Paris now", start=1.8))
    assert agreement.text == "a flight to Paris now"
    agreement.update(hypothesis_of("flight to Paris now", start=1.0))
    assert agreement.text == "a flight to Paris now"


@pytest.mark.parametrize(
    ("again", "whole"),
    [
        ("to Paris now", "a flight to Paris now"),
        ("flight to Paris now", "a flight to Paris now"),
        ("a flight to Paris now", "a flight to Paris now"),
        ("two Paris now", "a flight two Paris now"),
        ("straight to Paris now", "a flight straight to Paris now"),
        ("to Paris to Paris now", "a flight to Paris to Paris now"),
    ],
)
def test_a_final_says_no_settled_word_again(again: str, whole: str) -> None:
    final = settled("a flight to Paris").complete(hypothesis_of(again, start=1.0))

    assert final.text == whole
    assert [word.word for word in final.words] == whole.split()


def test_after_a_sentence_two_words_again_are_the_joint_and_one_is_meant() -> None:
    agreement = settled("it rains. we stay")

    assert agreement.complete(hypothesis_of("rains we stay", 1.0)).text == "it rains. we stay"
    assert settled("I do.").complete(hypothesis_of("do come", 1.0)).text == "I do. do come"
    assert settled("I do.").complete(hypothesis_of("I do come", 1.0)).text == "I do. come"


def test_what_never_agrees_is_settled_by_force_but_for_its_last_word() -> None:
    agreement = LocalAgreement()
    agreement.update(hypothesis_of("a b c"))

    assert agreement.settle() is None
    assert agreement.settle(force=True) == 1.0
    assert (agreement.stable, agreement.text) == ("a b", "a b c")


def test_a_turn_that_was_never_settled_ends_as_the_engine_says() -> None:
    agreement = LocalAgreement()
    final = hypothesis_of("as it is")

    assert agreement.complete(final) is final


def test_languages_without_blanks_are_joined_without() -> None:
    agreement = LocalAgreement()
    for _ in range(2):
        agreement.update(hypothesis_of("今日 は", language="ja"))

    assert agreement.stable == "今日は"


@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=8), max_size=12))
def test_stable_only_grows_and_begins_the_text(hypotheses: list[list[str]]) -> None:
    agreement = LocalAgreement()
    before = ""
    for words in hypotheses:
        agreement.update(hypothesis_of(" ".join(words)))

        assert agreement.stable.startswith(before)
        assert agreement.text.startswith(agreement.stable)
        before = agreement.stable
