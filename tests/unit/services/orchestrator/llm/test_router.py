"""Which model a request calls for."""

import pytest

from services.orchestrator.llm.router import complexity, tier


@pytest.mark.parametrize(
    "said",
    ["Hello!", "Good morning, how are you?", "Thank you, bye.", "Yes please.", "What time is it?"],
)
def test_small_talk_is_for_the_small_model(said: str) -> None:
    assert tier(said) == "small"


@pytest.mark.parametrize(
    "said",
    [
        "Explain why the sky is blue and compare it with a sunset.",
        "If I change my flight on the 3rd of May, how much does it cost me in total?",
        "I would like you to plan a journey for my family of four through the south of France"
        " in July, mostly by train, with two nights in each town and not too many museums.",
    ],
)
def test_hard_questions_are_for_the_large_one(said: str) -> None:
    assert tier(said) == "large"


def test_tools_raise_the_stakes() -> None:
    said = "Where is my booking?"
    assert complexity(said, tools=True) > complexity(said)


@pytest.mark.parametrize("said", ["", "why " * 500, "hello " * 500])
def test_the_score_stays_in_its_bounds(said: str) -> None:
    assert 0.0 <= complexity(said) <= 1.0
