"""Loops are noticed, pauses are not loops."""

import itertools

import pytest

from services.tts.engines.chatterbox.guards import Limits, LoopGuard


def fed(tokens: list[int]) -> int | None:
    """Index of the token at which the guard says stop."""
    guard = LoopGuard()
    return next((index for index, token in enumerate(tokens) if guard.feed(token)), None)


def test_one_token_may_last_a_pause_but_not_for_ever() -> None:
    assert fed([1, 2, 3] + [7] * 40 + [4]) is None
    assert fed([1, 2, 3] + [7] * 60) == 3 + 40


@pytest.mark.parametrize("period", [2, 5, 8])
def test_loops_are_noticed_whatever_their_length(period: int) -> None:
    loop = list(itertools.islice(itertools.cycle(range(period)), 200))
    assert fed(loop) == max(40, 5 * period) + period - 1


def test_speech_is_no_loop() -> None:
    assert fed([index * 37 % 101 for index in range(500)]) is None


def test_limits_shrink_to_the_room_there_is() -> None:
    assert Limits(least=20, most=100).up_to(10) == Limits(least=10, most=10)
