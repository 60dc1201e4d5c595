"""The turn machine: what happens in, what is to be done out."""

from collections.abc import Callable

import pytest

from services.orchestrator.llm.base import Done
from services.orchestrator.pipeline import events
from services.orchestrator.pipeline.actions import Count, Fill, Play, Remember, Say, Stop, Think
from services.orchestrator.pipeline.heard import Spoken
from services.orchestrator.pipeline.state import State
from shared.errors import EngineFailed, UpstreamFailed
from shared.protocol import asr, conversation
from tests.unit.services.orchestrator.pipeline.talk import (
    REPLY,
    SECOND,
    Stage,
    final,
    kinds,
    partial,
    pause,
    start,
    turn_end,
)


@pytest.fixture
def speaking() -> Stage:
    """A reply of 4 s, 1 s of which was heard."""
    stage = Stage()
    stage.says()
    stage.answers()
    stage.waits(1.0)
    assert stage.is_in(State.SPEAKING)
    return stage


def test_a_turn_goes_from_speech_to_speech() -> None:
    stage = Stage(speculate=False)
    stage.says("Book a table.")
    stage.answers()
    stage.waits(10)
    states = [event.value for event in stage.told("state")]  # type: ignore[attr-defined]
    assert states == ["listening", "thinking", "speaking", "idle"]
    assert [a.said for a in stage.actions if isinstance(a, Think)] == ["Book a table."]
    assert "".join(a.text for a in stage.actions if isinstance(a, Say)) == REPLY
    remembered = [(a.role, a.text) for a in stage.actions if isinstance(a, Remember)]
    assert remembered == [("user", "Book a table."), ("assistant", REPLY)]
    assert sum(len(a.pcm) for a in stage.actions if isinstance(a, Play)) == 4 * len(SECOND)
    assert len(stage.told("metrics")) == 1


def test_audio_is_paced_to_the_listener() -> None:
    stage = Stage(ahead_s=0.2)
    stage.says()
    stage.answers()
    sent = sum(len(a.pcm) for a in stage.actions if isinstance(a, Play)) / 48_000
    assert sent <= 0.2
    stage.waits(1.0)
    sent = sum(len(a.pcm) for a in stage.actions if isinstance(a, Play)) / 48_000
    assert 1.0 <= sent <= 1.2 + 1e-6


def test_speech_over_a_reply_ducks_at_once_and_sends_nothing_more(speaking: Stage) -> None:
    assert kinds(speaking.does(start())) == ["Count", "audio.duck"]
    assert not [a for a in speaking.waits(0.2) if isinstance(a, Play)]


def test_speech_that_lasts_cuts_the_reply(speaking: Stage) -> None:
    speaking.does(start())
    done = speaking.waits(0.6)
    assert "audio.clear" in kinds(done)
    assert any(isinstance(a, Stop) for a in done)
    assert speaking.is_in(State.LISTENING)


@pytest.mark.parametrize(("sensitivity", "limit"), [(1.0, 0.15), (0.1, 0.8), (0.55, 0.475)])
def test_how_long_it_must_last_is_the_sensitivity(sensitivity: float, limit: float) -> None:
    stage = Stage(sensitivity=sensitivity)
    stage.says()
    stage.answers()
    stage.waits(1.0)
    stage.does(start())
    stage.waits(limit - 0.01)
    assert not stage.told("audio.clear")
    stage.waits(0.02)
    assert stage.told("audio.clear")


def test_a_real_word_cuts_the_reply_at_once(speaking: Stage) -> None:
    speaking.does(start())
    assert "audio.clear" in kinds(speaking.does(partial("wait a moment")))


def test_only_what_was_heard_is_remembered(speaking: Stage) -> None:
    speaking.does(conversation.Playback(turn_id="turn_1", played_ms=1900))
    speaking.does(start(), partial("stop please"))
    done = speaking.told("reply.done")[-1]
    assert done.heard_text == "Your table is booked."  # type: ignore[attr-defined]
    assert done.interrupted  # type: ignore[attr-defined]
    assert [a.text for a in speaking.actions if isinstance(a, Remember)][-1] == (
        "Your table is booked."
    )


@pytest.mark.parametrize("noise", ["uh-huh", "Okay.", "mm-hmm, right", ""])
def test_a_listeners_noise_loses_nothing(speaking: Stage, noise: str) -> None:
    speaking.does(start(), pause())
    candidate = asr.Candidate(text=noise, probability=0.9, segment=1, timestamp=2)
    assert "audio.resume" in kinds(speaking.does(candidate))
    speaking.does(turn_end(), final(noise))
    speaking.waits(10)
    played = sum(len(a.pcm) for a in speaking.actions if isinstance(a, Play))
    assert played == 4 * len(SECOND)
    assert not speaking.told("audio.clear")
    assert len(speaking.told("transcript")) == 1


def test_a_cough_without_words_is_over_soon(speaking: Stage) -> None:
    speaking.does(start(), pause())
    assert "audio.resume" in kinds(speaking.waits(0.4))


def test_okay_answers_a_question() -> None:
    stage = Stage()
    stage.says()
    stage.answers("Shall I book it?", 1.0)
    stage.waits(0.9)
    stage.does(start())
    stage.waits(0.2)
    stage.does(pause(), turn_end(), final("Okay."))
    assert [t.text for t in stage.told("transcript")] == ["Book a table.", "Okay."]  # type: ignore[attr-defined]


def test_okay_alone_is_a_turn() -> None:
    stage = Stage()
    stage.says("Okay.")
    assert stage.is_in(State.THINKING)


def test_a_final_with_words_interrupts_even_without_partials(speaking: Stage) -> None:
    speaking.does(start(), pause(), turn_end())
    done = speaking.does(final("No, for four people."))
    assert kinds(done).index("audio.clear") < kinds(done).index("transcript")
    assert speaking.is_in(State.THINKING)


def test_the_client_interrupts_at_once(speaking: Stage) -> None:
    done = kinds(speaking.does(conversation.Interrupt()))
    assert done[0] == "audio.clear"
    assert speaking.is_in(State.IDLE)


def test_a_typed_turn_replaces_the_reply(speaking: Stage) -> None:
    speaking.does(conversation.Text(text="for four"))
    assert speaking.told("audio.clear")
    assert speaking.is_in(State.THINKING)


def test_the_model_starts_at_the_candidate() -> None:
    stage = Stage()
    stage.does(start(), pause())
    done = stage.does(asr.Candidate(text="Hello.", probability=0.9, segment=0, timestamp=1))
    assert [a.said for a in done if isinstance(a, Think)] == ["Hello."]
    stage.does(events.MindSaid(1, "Hi there, how are you?"))
    assert not stage.told("reply.delta")
    stage.now += 0.3
    done = stage.does(turn_end(), final("hello"))
    assert not [a for a in done if isinstance(a, Think)]
    assert stage.told("reply.delta")
    stage.answers("Very well.", 1.0)
    stage.waits(5)
    metrics = stage.told("metrics")[0]
    assert metrics.speculation == "hit"  # type: ignore[attr-defined]
    assert metrics.saved_ms == pytest.approx(300)  # type: ignore[attr-defined]


def test_a_wrong_speculation_leaves_no_trace() -> None:
    stage = Stage()
    stage.does(start(), pause())
    stage.does(asr.Candidate(text="Book a", probability=0.3, segment=0, timestamp=1))
    stage.does(events.MindSaid(1, "A what?"))
    assert any(isinstance(a, Stop) for a in stage.does(start()))
    stage.does(events.MindSaid(1, " Pardon?"), pause(), turn_end(), final("Book a table"))
    assert not stage.told("reply.delta")
    assert [t.turn_id for t in stage.told("transcript")] == ["turn_1"]  # type: ignore[attr-defined]
    assert [a.text for a in stage.actions if isinstance(a, Remember)] == ["Book a table"]


def test_a_final_unlike_the_candidate_thinks_again() -> None:
    stage = Stage()
    stage.does(start(), pause())
    stage.does(asr.Candidate(text="Book a", probability=0.3, segment=0, timestamp=1))
    done = stage.does(turn_end(), final("Book a table"))
    assert [a.said for a in done if isinstance(a, Think)] == ["Book a table"]


def test_the_speaker_goes_on_while_the_model_thinks() -> None:
    stage = Stage()
    stage.says("Book a table")
    stage.does(start(), partial("for two people"))
    assert stage.is_in(State.LISTENING)
    assert not stage.told("audio.duck")
    assert not stage.told("audio.clear")
    stage.does(pause(), turn_end(), final("for two people"))
    assert stage.is_in(State.THINKING)


def test_nothing_said_is_no_turn() -> None:
    stage = Stage()
    stage.says("")
    assert stage.is_in(State.IDLE)
    assert not stage.told("transcript")


def test_a_late_reply_is_bridged_once() -> None:
    stage = Stage(filler_after_s=0.7)
    stage.says()
    assert [a for a in stage.waits(0.8) if isinstance(a, Fill)] == [Fill(1)]
    stage.does(events.FillerMade(1, "Hmm…", SECOND[:24_000]))
    assert stage.told("filler")
    assert not [a for a in stage.waits(5) if isinstance(a, Fill)]
    stage.answers()
    stage.waits(10)
    assert stage.told("metrics")[0].fillers == 1  # type: ignore[attr-defined]


def test_a_filler_is_cut_when_the_answer_comes() -> None:
    stage = Stage(ahead_s=0.2)
    stage.says()
    stage.waits(0.8)
    stage.does(events.FillerMade(1, "Let me think…", SECOND))
    stage.answers(seconds=1.0)
    stage.waits(10)
    played = sum(len(a.pcm) for a in stage.actions if isinstance(a, Play)) / 48_000
    assert played == pytest.approx(1.0 + 0.2 + 0.02, abs=0.01)


def test_a_filler_that_comes_after_the_answer_is_not_spoken() -> None:
    stage = Stage()
    stage.says()
    stage.answers()
    assert not stage.does(events.FillerMade(1, "Hmm…", SECOND))


def test_a_failing_model_is_told_and_apologised_for() -> None:
    stage = Stage()
    stage.says()
    done = stage.does(events.MindFailed(1, UpstreamFailed("the LLM went away")))
    assert kinds(done)[:2] == ["error", "state"]
    assert any(isinstance(a, Say) for a in done)
    stage.does(events.SpeechMade(1, SECOND, Spoken(0, 10)), events.SpeechDone(1))
    stage.waits(5)
    assert [s.value for s in stage.told("state")][-3:] == ["error", "speaking", "idle"]  # type: ignore[attr-defined]


def test_a_failing_synthesiser_is_told_and_the_session_lives() -> None:
    stage = Stage()
    stage.says()
    stage.does(events.MindSaid(1, REPLY), events.SpeechFailed(1, EngineFailed("no")))
    assert stage.told("error")
    assert stage.is_in(State.IDLE)
    stage.says("again")
    assert stage.is_in(State.THINKING)


def test_an_empty_reply_ends_the_turn() -> None:
    stage = Stage()
    stage.says()
    stage.does(events.MindDone(1, Done()))
    assert stage.is_in(State.IDLE)


@pytest.mark.parametrize(
    "late",
    [
        lambda: events.MindSaid(1, "old"),
        lambda: events.MindDone(1, Done()),
        lambda: events.MindFailed(1, UpstreamFailed("old")),
        lambda: events.SpeechMade(1, SECOND, Spoken(0, 3)),
        lambda: events.SpeechDone(1),
        lambda: events.SpeechFailed(1, EngineFailed("old")),
        lambda: events.FillerMade(1, "Hmm", SECOND),
    ],
)
def test_what_an_old_generation_brings_is_dropped(late: Callable[[], object]) -> None:
    stage = Stage()
    stage.says()
    stage.does(conversation.Interrupt())
    stage.says("something else")
    assert stage.does(late()) == []


def test_counts_what_the_operator_wants_to_know(speaking: Stage) -> None:
    speaking.does(start(), partial("stop it"))
    counted = [a.what for a in speaking.actions if isinstance(a, Count)]
    assert counted == ["ducks", "interruptions"]
