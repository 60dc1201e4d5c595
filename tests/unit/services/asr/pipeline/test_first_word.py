"""Where a turn's audio begins that a doubted word comes before."""

import pytest

from services.asr.engines.base import FRAME
from services.asr.pipeline.first_word import FAINT, SOON, FirstWord

QUIET = 0.19
"""More than any room gets."""


def heard(*probabilities: float, since: int = 0) -> FirstWord:
    first = FirstWord()
    first.forget(since)
    for number, probability in enumerate(probabilities, 1):
        first.look(probability, since + number * FRAME)
    return first


def test_a_faint_word_belongs_to_the_turn_that_begins_soon_after() -> None:
    first = heard(QUIET, FAINT, QUIET, 0.6, QUIET)

    assert first.before(10 * FRAME, floor=0) == 1 * FRAME


def test_quiet_before_a_turn_is_no_word() -> None:
    assert heard(*[QUIET] * 10).before(10 * FRAME, floor=0) == 10 * FRAME


@pytest.mark.parametrize(("late", "begins"), [(0, 0), (1, SOON + 1)])
def test_a_turn_that_begins_later_is_another(late: int, begins: int) -> None:
    assert heard(0.6).before(SOON + late, floor=0) == begins


def test_a_word_of_the_turn_before_is_not_said_again() -> None:
    assert heard(0.6).before(10 * FRAME, floor=2 * FRAME) == 10 * FRAME


def test_speech_that_was_believed_at_once_begins_where_it_began() -> None:
    assert heard(QUIET, 0.9).before(0, floor=0) == 0


def test_a_detector_that_begins_anew_has_another_first_word() -> None:
    first = heard(0.6, QUIET)
    first.forget(100 * FRAME)

    assert first.before(105 * FRAME, floor=0) == 105 * FRAME

    first.look(0.6, 103 * FRAME)
    assert first.before(105 * FRAME, floor=0) == 102 * FRAME
