"""Several turns at once: each has its own answers, and the earlier one speaks first."""

from services.asr.engines.base import TranscribeOptions
from services.asr.pipeline.actions import Ask, Cancel, Close, Send
from services.asr.pipeline.segmenter import Started
from services.asr.pipeline.turn import Turn
from services.asr.pipeline.turns import Turns
from shared.errors import EngineFailed
from tests.doubles.asr_engine import said
from tests.unit.services.asr.pipeline.stage import speech


def begun(turns: Turns) -> Turn:
    """A turn with enough in it that the engine is asked."""
    turn = turns.begin(
        Started(0, 0, fresh=True), TranscribeOptions(), partials=True, words=True, pushed=False
    )
    turn.hear(speech(1.0))
    return turn


def test_an_answer_and_an_error_reach_their_own_turn_alone() -> None:
    turns = Turns()
    one, two, three = begun(turns), begun(turns), begun(turns)
    serials = [action.serial for action in turns.take() if isinstance(action, Ask)]
    assert len(set(serials)) == 1  # each turn counts its own
    turns.answered(one.index, serials[0], said(16_000))
    assert (one.asking, two.asking, three.asking) == (False, True, True)
    turns.failed(two.index, serials[0], EngineFailed("gone"))
    assert (two.asking, three.asking) == (False, True)
    assert turns.asking


def test_a_turn_that_is_dropped_says_nothing_and_leaves_the_others() -> None:
    turns = Turns()
    one = begun(turns)
    turns.take()
    two = begun(turns)
    assert turns.drop_last()[-2:] == [Cancel(two.index), Close(two.index)]
    assert turns.last is one
    assert not [action for action in turns.take() if isinstance(action, Send)]
