"""What takes no turn, and what does."""

import pytest

from services.orchestrator.pipeline.backchannel import asks, only_backchannel
from services.orchestrator.pipeline.words import words


@pytest.mark.parametrize(
    "noise", ["uh-huh", "Mm-hmm.", "Okay.", "okay, right", "I see.", "got it, yeah", "", "…"]
)
def test_listening_noises(noise: str) -> None:
    assert only_backchannel(words(noise), "en")


@pytest.mark.parametrize(
    "speech", ["stop", "no", "okay but wait", "I see a problem", "yes yes yes yes yes", "right now"]
)
def test_words_that_mean_something(speech: str) -> None:
    assert not only_backchannel(words(speech), "en")


def test_each_language_has_its_own() -> None:
    assert only_backchannel(words("Ach so, genau."), "de-DE")
    assert not only_backchannel(words("genau"), "en")
    assert only_backchannel(words("d'accord"), "fr")


def test_an_unknown_language_is_judged_by_all() -> None:
    assert only_backchannel(words("vale"), None)
    assert only_backchannel(words("okay"), "tr")


def test_questions() -> None:
    assert asks('Shall I book it?"')
    assert not asks("I booked it.")
