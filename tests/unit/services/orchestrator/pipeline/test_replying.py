"""The assistant's side: what is told, said and remembered of a reply, whole or broken."""

from services.orchestrator.llm.base import Done
from services.orchestrator.pipeline import events
from services.orchestrator.pipeline.actions import Action, Fill, Play, Remember, Say, Stop, Think
from services.orchestrator.pipeline.heard import Spoken
from services.orchestrator.pipeline.state import State
from shared.errors import EngineFailed, UpstreamFailed
from shared.protocol import conversation
from tests.unit.services.orchestrator.pipeline.talk import (
    REPLY,
    SECOND,
    Stage,
    candidate,
    final,
    kinds,
    pause,
    start,
    turn_end,
)

BROKEN = EngineFailed("broken")
AWAY = UpstreamFailed("the LLM went away")


def said(actions: list[Action]) -> str:
    return "".join(action.text for action in actions if isinstance(action, Say))


def remembered(stage: Stage) -> list[str]:
    return [a.text for a in stage.actions if isinstance(a, Remember) and a.role == "assistant"]


def sent(actions: list[Action]) -> bool:
    return any(isinstance(action, Play) for action in actions)


def torn() -> Stage:
    """Half of the reply was spoken and is being heard when the synthesiser fails."""
    stage = Stage()
    stage.says()
    half = REPLY.index(" We")
    stage.does(
        events.MindSaid(1, REPLY),
        events.MindDone(1, Done()),
        events.SpeechMade(1, 2 * SECOND, Spoken(0, half, [(i / 2, (i + 1) / 2) for i in range(4)])),
    )
    stage.waits(0.5)
    return stage


# -- before the turn is certain --------------------------------------------------------


def test_tools_of_a_speculation_are_not_told() -> None:
    call = conversation.ToolCall(turn_id="", call_id="1", name="book", arguments={})
    stage = Stage()
    stage.does(start(), pause(), candidate("Book"))
    assert stage.does(events.MindTold(1, call)) == []
    stage.does(turn_end(), final("Book"))
    assert kinds(stage.does(events.MindTold(1, call))) == ["tool.call"]


def test_a_speculation_that_fails_is_thought_again_without_a_word() -> None:
    stage = Stage()
    stage.does(start(), pause(), candidate("Book"))
    assert any(isinstance(action, Stop) for action in stage.does(events.MindFailed(1, AWAY)))
    done = stage.does(turn_end(), final("Book"))
    assert [action.said for action in done if isinstance(action, Think)] == ["Book"]
    assert not stage.told("error")


def test_what_is_typed_replaces_a_speculation() -> None:
    stage = Stage()
    stage.does(start(), pause(), candidate("Book"))
    done = stage.does(conversation.Text(text="never mind"))
    assert [action.generation for action in done if isinstance(action, Stop)] == [1]


def test_what_a_tool_announces_was_not_said_by_the_user() -> None:
    stage = Stage()
    stage.does(events.Announced("The taxi is here."))
    assert not stage.told("transcript")
    assert stage.is_in(State.THINKING)


# -- the model fails -------------------------------------------------------------------


def test_the_apology_follows_what_was_said_after_one_space() -> None:
    for text in ("Well,", "Well, "):
        stage = Stage(apology="Sorry.")
        stage.says()
        stage.does(events.MindSaid(1, text), events.MindFailed(1, AWAY))
        assert said(stage.actions) == "Well, Sorry."


def test_a_reply_that_failed_needs_no_filler() -> None:
    stage = Stage(filler_after_s=0.7)
    stage.says()
    stage.does(events.MindFailed(1, AWAY))
    assert not [action for action in stage.waits(2) if isinstance(action, Fill)]
    assert stage.does(events.FillerMade(1, "Hmm…", SECOND)) == []


# -- the synthesiser fails -------------------------------------------------------------


def test_a_synthesiser_that_fails_is_stopped_and_what_it_made_is_heard() -> None:
    stage = torn()
    done = stage.does(events.SpeechFailed(1, BROKEN))
    assert any(isinstance(action, Stop) for action in done)
    assert stage.is_in(State.SPEAKING)
    stage.waits(9)
    assert remembered(stage) == ["Your table is booked."]


def test_a_synthesiser_that_failed_is_given_no_more_text() -> None:
    stage = Stage()
    stage.says()
    stage.does(events.MindSaid(1, "Your table is booked. "))
    stage.does(
        events.SpeechMade(1, SECOND, Spoken(0, 22)),
        events.SpeechFailed(1, BROKEN),
    )
    assert stage.does(events.MindSaid(1, "We expect you at eight.")) == []


# -- what the user heard ---------------------------------------------------------------


def test_a_reply_that_was_heard_whole_says_so() -> None:
    stage = Stage()
    stage.says()
    stage.answers()
    stage.waits(9)
    (done,) = stage.told("reply.done")
    assert (done.heard_text, done.interrupted) == (None, False)  # type: ignore[attr-defined]


def test_a_reply_without_sound_was_not_heard() -> None:
    stage = Stage()
    stage.says()
    stage.does(events.MindSaid(1, REPLY), events.MindDone(1, Done()), events.SpeechDone(1))
    assert stage.is_in(State.IDLE)
    assert remembered(stage) == []


def test_a_reply_cut_before_its_first_sound_is_not_remembered() -> None:
    stage = Stage()
    stage.says()
    stage.does(events.MindSaid(1, REPLY), conversation.Interrupt())
    assert remembered(stage) == []


def test_what_the_client_has_played_makes_room_for_more() -> None:
    stage = Stage(ahead_s=0.4)
    stage.says()
    stage.answers()
    assert not sent(stage.does(conversation.Playback(turn_id="turn_0", played_ms=400)))
    assert sent(stage.does(conversation.Playback(turn_id="turn_1", played_ms=400)))


# -- held ------------------------------------------------------------------------------


def test_a_reply_that_goes_on_is_sent_at_once() -> None:
    stage = Stage(ahead_s=0.4)
    stage.says()
    stage.answers()
    stage.does(start())
    stage.now += 0.3
    stage.does(conversation.Playback(turn_id="turn_1", played_ms=400))
    assert sent(stage.does(events.HearingFailed(AWAY)))


def test_a_reply_that_was_not_held_is_not_told_to_go_on() -> None:
    stage = Stage()
    stage.says()
    stage.answers()
    assert kinds(stage.does(events.HearingFailed(AWAY))) == ["error"]


def test_the_microphone_is_wanted_a_second_beyond_the_reply() -> None:
    stage = Stage()
    assert not stage.dialogue.alert(stage.now)
    stage.says()
    stage.answers(seconds=1.0)
    assert stage.dialogue.alert(stage.now)
    stage.waits(1.5)
    last = stage.dialogue._replying.last
    assert last is not None
    assert stage.dialogue.alert(last.at + 0.9)
    assert not stage.dialogue.alert(last.at + 1.1)
