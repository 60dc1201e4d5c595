import pytest

from services.asr.engines.whisper.guards import (
    Thresholds,
    best,
    compression_ratio,
    is_broken,
    is_silence,
    without_loops,
)
from services.asr.engines.whisper.window import Hypothesis

LIMITS = Thresholds()


def hypothesis(
    *, logprob: float = -0.3, no_speech: float = 0.01, ratio: float = 1.2, text: str = "yes"
) -> Hypothesis:
    return Hypothesis((1, 2), text, logprob, no_speech, ratio, 0.0)


@pytest.mark.parametrize(
    ("found", "broken", "silent"),
    [
        (hypothesis(), False, False),
        (hypothesis(ratio=3.0), True, False),
        (hypothesis(logprob=-1.5), True, False),
        (hypothesis(logprob=-1.5, no_speech=0.9), False, True),
        (hypothesis(logprob=-0.5, no_speech=0.9), False, False),
    ],
)
def test_a_decoding_is_good_broken_or_silence(
    found: Hypothesis, broken: bool, silent: bool
) -> None:
    assert is_broken(found, LIMITS) is broken
    assert is_silence(found, LIMITS) is silent


def test_the_likeliest_text_without_repetition_wins() -> None:
    looping = hypothesis(logprob=-0.1, ratio=9.0, text="loop")
    worse, better = hypothesis(logprob=-2.0), hypothesis(logprob=-1.2)
    assert best([looping, worse, better], LIMITS) is better
    assert best([looping], LIMITS) is looping


def test_an_empty_text_does_not_compress() -> None:
    assert compression_ratio("") == 1.0
    assert compression_ratio("so and so " * 40) > 2.4


@pytest.mark.parametrize(
    ("tokens", "kept"),
    [
        ([], ()),
        ([1, 2, 3], (1, 2, 3)),
        ([5] * 7, (5,) * 7),
        ([5] * 8, (5,)),
        ([9, *[1, 2] * 4, 9], (9, 1, 2, 9)),
        ([*[1, 2, 3] * 3], (1, 2, 3, 1, 2, 3, 1, 2, 3)),
        ([7, *[1, 2, 3] * 60], (7, 1, 2, 3)),
        ([*[1, 2, 3] * 5, 1, 2], (1, 2, 3, 1, 2)),
    ],
)
def test_loops_are_cut_and_speech_is_not(tokens: list[int], kept: tuple[int, ...]) -> None:
    assert without_loops(tokens, 4) == kept
