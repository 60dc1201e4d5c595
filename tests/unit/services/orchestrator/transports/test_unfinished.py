"""What is closed for a replica that could not."""

from services.orchestrator.transports.unfinished import unfinished
from shared.protocol.base import Message
from shared.protocol.conversation import (
    AudioClear,
    AudioEnd,
    AudioStart,
    ReplyDelta,
    ReplyDone,
    StateEvent,
    TranscriptEvent,
)

ASKED = TranscriptEvent(text="hello", turn_id="t1")
WRITTEN = [ReplyDelta(turn_id="t1", text="Good "), ReplyDelta(turn_id="t1", text="day.")]
SOUNDS = AudioStart(turn_id="t1")
DONE = ReplyDone(turn_id="t1", text="Good day.")
CUT = ReplyDone(turn_id="t1", text="Good day.", interrupted=True)


def closed(*events: Message) -> list[Message]:
    return unfinished(event.wire() for event in events)


def test_nothing_is_closed_twice() -> None:
    assert closed() == []
    assert closed(StateEvent(value="listening"), StateEvent(value="idle")) == []
    assert closed(ASKED, *WRITTEN, SOUNDS, AudioEnd(turn_id="t1", duration_ms=1), DONE) == []


def test_sound_that_never_ended_is_dropped() -> None:
    assert closed(ASKED, *WRITTEN, SOUNDS) == [AudioClear(turn_id="t1"), CUT]


def test_a_reply_that_was_not_heard_at_all_is_ended_too() -> None:
    assert closed(ASKED, *WRITTEN) == [CUT]
    assert closed(ASKED) == [ReplyDone(turn_id="t1", text="", interrupted=True)]


def test_only_the_newest_turn_counts() -> None:
    second = TranscriptEvent(text="again", turn_id="t2")
    assert closed(ASKED, *WRITTEN, SOUNDS, DONE, second) == [
        ReplyDone(turn_id="t2", text="", interrupted=True)
    ]


def test_a_client_is_not_left_in_a_state_that_is_over() -> None:
    idle = StateEvent(value="idle")
    assert closed(StateEvent(value="listening")) == [idle]
    assert closed(ASKED, StateEvent(value="thinking")) == [
        ReplyDone(turn_id="t1", text="", interrupted=True),
        idle,
    ]
