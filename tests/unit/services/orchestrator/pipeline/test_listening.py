"""The user's side: what a sound over a reply is, what counts as a turn, what is let go."""

import pytest

from services.orchestrator.pipeline import events
from services.orchestrator.pipeline.actions import Action, Stop, Think
from services.orchestrator.pipeline.state import State
from shared.errors import UpstreamFailed
from tests.unit.services.orchestrator.pipeline.talk import (
    REPLY,
    Stage,
    candidate,
    final,
    kinds,
    partial,
    pause,
    start,
    turn_end,
)

GONE = events.HearingFailed(UpstreamFailed("the line is cut"))


def speaking(text: str = REPLY, seconds: float = 4.0, after: float = 1.0) -> Stage:
    """A reply, some of which was heard."""
    stage = Stage()
    stage.says()
    stage.answers(text, seconds)
    stage.waits(after)
    return stage


def echoing(stage: Stage, share: float) -> Stage:
    """So much of what the microphone hears is the reply."""

    def explained(now: float) -> float:
        del now
        return share

    stage.dialogue._echo.explained = explained  # type: ignore[method-assign]
    return stage


def thoughts(actions: list[Action]) -> list[str]:
    return [action.said for action in actions if isinstance(action, Think)]


def stopped(actions: list[Action]) -> list[int]:
    return [action.generation for action in actions if isinstance(action, Stop)]


def turns(stage: Stage) -> int:
    return len(stage.told("transcript"))


# -- when the turn was over ------------------------------------------------------------


def test_the_end_of_speech_is_a_moment_of_the_microphones_stream() -> None:
    stage = Stage()
    stage.dialogue.advance(10.0)
    stage.does(start(), pause(1.0), start(5.0), turn_end(9.0), final("Book a table."))
    stage.answers()
    stage.waits(9)
    assert stage.told("metrics")[0].stt_ms == pytest.approx(1000)  # type: ignore[attr-defined]


# -- thinking ahead --------------------------------------------------------------------


def test_who_goes_on_makes_the_speculation_a_miss() -> None:
    stage = Stage()
    stage.does(start(), pause(), candidate("Book"), start(), pause(), turn_end(), final("Book it"))
    stage.answers()
    stage.waits(9)
    assert stage.told("metrics")[0].speculation == "miss"  # type: ignore[attr-defined]


def test_nothing_is_thought_while_the_user_speaks_or_where_it_is_not_wanted() -> None:
    assert thoughts(Stage().does(start(), candidate("Book"))) == []
    assert thoughts(Stage(speculate=False).does(start(), pause(), candidate("Book"))) == []


def test_one_pause_is_thought_of_once() -> None:
    done = Stage().does(start(), pause(), candidate("Book"), candidate("Book a"))
    assert thoughts(done) == ["Book"]


def test_a_noise_over_a_reply_that_ends_meanwhile_is_not_thought_of() -> None:
    stage = speaking()
    stage.does(start(), pause())
    stage.waits(9)
    assert stage.is_in(State.IDLE)
    assert thoughts(stage.does(candidate("uh-huh"))) == []


@pytest.mark.parametrize("text", ["", "Book a table"])
def test_a_speculation_that_came_to_nothing_is_stopped(text: str) -> None:
    stage = Stage()
    stage.does(start(), pause(), candidate("Book a"))
    assert stopped(stage.does(turn_end(), final(text))) == [1]


# -- what is a turn --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds", "after", "answers"),
    [
        ("Your table is booked.", 2.0, 1.7, True),
        ("Your table is booked.", 2.0, 1.0, False),
        ("Shall I book it? I can wait, too.", 4.0, 2.1, True),
    ],
)
def test_okay_is_an_answer_to_a_question_or_to_a_reply_about_to_end(
    text: str, seconds: float, after: float, answers: bool
) -> None:
    stage = speaking(text, seconds, after)
    stage.does(start(), pause(), turn_end(), final("Okay."))
    assert turns(stage) == 1 + answers


def test_a_reply_of_which_more_is_coming_is_not_about_to_end() -> None:
    stage = Stage()
    stage.says()
    stage.answers("Your table is booked.", 2.0)
    reply = stage.dialogue._replying.reply
    assert reply is not None
    reply.playout.whole = False
    stage.waits(1.7)
    stage.does(start(), pause(), turn_end(), final("Okay."))
    assert turns(stage) == 1


@pytest.mark.parametrize(
    ("share", "said", "wanted"),
    [
        (0.2, "Your table for six people.", True),
        (0.2, "Your table is six.", False),
        (0.05, "Your table is six.", True),
    ],
)
def test_words_of_the_reply_are_its_echo_where_there_is_a_trace_of_one(
    share: float, said: str, wanted: bool
) -> None:
    stage = echoing(speaking(), share)
    stage.does(start(), pause(), turn_end(), final(said))
    assert turns(stage) == 1 + wanted


def test_a_word_of_the_question_may_be_its_answer() -> None:
    stage = echoing(speaking("Tea or coffee?", 1.0, 0.9), 0.2)
    stage.does(start(), pause(), turn_end(), final("Coffee."))
    assert turns(stage) == 2


def test_what_has_no_words_but_is_not_nothing_is_a_turn() -> None:
    stage = Stage()
    stage.says("👍")
    assert stage.is_in(State.THINKING)


@pytest.mark.parametrize(("after", "cut"), [(1.0, False), (9.0, True)])
def test_words_of_the_last_reply_are_its_echo_for_8_s(after: float, cut: bool) -> None:
    stage = echoing(speaking("Your table is booked.", 1.0, 2.0), 0.2)
    stage.waits(after)
    stage.says("And a taxi.")
    stage.does(start(), partial("your table"))
    assert stage.is_in(State.LISTENING) is cut


# -- over a reply ----------------------------------------------------------------------


def test_a_listeners_noise_is_not_shown() -> None:
    stage = speaking()
    stage.does(start(), partial("uh-huh"))
    assert not stage.told("partial")


def test_what_interrupted_is_shown_from_then_on() -> None:
    stage = speaking()
    stage.does(start(), partial("stop"), partial("stop it"))
    assert [event.text for event in stage.told("partial")] == ["stop", "stop it"]  # type: ignore[attr-defined]


def test_nothing_said_lets_the_reply_go_on_at_once() -> None:
    stage = speaking()
    stage.does(start(), pause(), turn_end())
    assert "audio.resume" in kinds(stage.does(final("")))


def test_time_that_is_not_up_decides_nothing() -> None:
    stage = speaking()
    stage.does(start(), pause())
    assert stage.dialogue.tick(stage.now + 0.1) == []


def test_a_noise_that_was_let_go_excuses_no_later_one() -> None:
    stage = speaking()
    stage.does(start(), partial("okay"), pause(), turn_end(), final("Okay."), start())
    assert "audio.clear" in kinds(stage.waits(0.6))


@pytest.mark.parametrize(("after", "state"), [(0.5, State.IDLE), (1.5, State.LISTENING)])
def test_the_tail_of_an_echo_is_nobody(after: float, state: State) -> None:
    stage = echoing(speaking("Done.", 0.5, 0.6), 0.9)
    assert stage.is_in(State.IDLE)
    stage.now += after
    stage.does(start())
    assert stage.is_in(state)


def test_an_echo_that_outlasts_the_reply_is_nobody() -> None:
    stage = echoing(speaking(), 0.9)
    stage.does(start())
    stage.waits(9)
    assert stage.is_in(State.IDLE)
    assert stage.dialogue.deadline is None


# -- the recogniser is gone ------------------------------------------------------------


def test_without_a_recogniser_a_ducked_reply_goes_on() -> None:
    stage = speaking()
    stage.does(start())
    assert kinds(stage.does(GONE))[:2] == ["error", "audio.resume"]
    assert stage.is_in(State.SPEAKING)


def test_without_a_recogniser_nothing_is_thought_ahead() -> None:
    stage = Stage()
    stage.does(start(), pause(), candidate("Book a"))
    assert stopped(stage.does(GONE)) == [1]
    assert stage.is_in(State.IDLE)
    assert thoughts(stage.does(candidate("Book a table"))) == []
