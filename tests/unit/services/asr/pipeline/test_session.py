"""The order of a connection's messages, and when its stream is held."""

import numpy as np
import pytest

from services.asr.engines.base import FRAME, SAMPLE_RATE
from services.asr.pipeline.actions import AskJudgement, Close, Finish, Flushed, Open
from shared.protocol.asr import (
    Config,
    End,
    Final,
    Flush,
    Partial,
    Reset,
    Silence,
    SpeechEnd,
    SpeechStart,
    TurnEnd,
    VadOverrides,
)
from shared.protocol.base import WarningMessage
from tests.unit.services.asr.pipeline.stage import Stage, compact, hush, speech


def test_a_turn_from_start_to_final() -> None:
    stage = Stage()

    stage.hear(hush(0.5), speech(2), hush(1))

    assert compact(stage.types()) == [
        "speech_start",
        "partial",
        "speech_end",
        "turn_end",
        "final",
    ]
    (final,) = stage.sent(Final)
    assert final.text == "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9"
    assert final.start == pytest.approx(0.2, abs=0.13)
    assert final.end == pytest.approx(2.7, abs=0.1)
    assert stage.done(Close) == [Close(0)]


def test_the_engine_hears_every_sample_once_and_the_padding_before() -> None:
    stage = Stage()
    loud = speech(2)

    stage.hear(hush(0.512), loud, hush(1))

    heard = np.concatenate(stage.fed[0])
    assert np.array_equal(heard[4800 : 4800 + len(loud)], loud)
    assert not heard[:4800].any()


def test_frames_of_any_length_make_the_same_turns() -> None:
    audio = np.concatenate([hush(0.3), speech(1.5), hush(0.4), speech(1), hush(1.5)])
    whole, crumbs = Stage(), Stage()

    whole.hear(audio)
    crumbs.hear(*np.array_split(audio, 997))

    assert crumbs.types() == whole.types()
    assert crumbs.sent(Final) == whole.sent(Final)


def test_a_frame_that_is_not_whole_is_nothing_to_do() -> None:
    session = Stage().session

    session.hear(hush(1)[: FRAME - 1])
    assert (session.runnable, session.idle) == (False, True)

    session.hear(hush(1)[:1])
    assert (session.runnable, session.idle) == (True, False)

    session.advance()
    assert session.position == FRAME
    assert (session.runnable, session.idle) == (False, True)


def test_nothing_of_a_turn_is_said_before_the_final_of_the_one_before() -> None:
    stage = Stage()
    stage.hear(speech(2))
    stage.answering = False
    stage.hear(hush(1), speech(2), hush(0.1))

    assert {message.segment for message in stage.sent(SpeechStart)} == {0}
    late = next(ask for ask in stage.asked if ask.turn == 0 and ask.final)
    stage.answer(late)
    stage.play()

    segments = [int(message.model_dump()["segment"]) for message in stage.messages()]
    assert segments == sorted(segments)
    assert segments[-1] == 1


def test_too_many_finals_owed_hold_the_stream() -> None:
    stage = Stage()
    stage.answering = False
    for _ in range(6):
        stage.session.hear(np.concatenate([speech(1.5), hush(1)]))
    stage.play()

    assert stage.session.holding
    assert len(stage.done(Open)) == 3
    assert stage.session.backlog > 4 * SAMPLE_RATE


def test_an_engine_that_falls_behind_holds_the_stream_and_says_so() -> None:
    stage = Stage()
    stage.answering = False

    stage.hear(speech(30))

    assert stage.session.holding
    assert sum(map(len, stage.fed[0])) < 12 * SAMPLE_RATE
    assert [warning.code for warning in stage.sent(WarningMessage)] == ["falling_behind"]


@pytest.mark.parametrize("verdict", [None, 0.1])
def test_a_short_answer_waits_half_a_second(verdict: float | None) -> None:
    stage = Stage(verdict=verdict)

    stage.hear(hush(0.3), speech(0.3), hush(0.6))

    (ended,) = stage.sent(TurnEnd)
    assert ended.reason == "silence"
    assert ended.timestamp - 0.6 <= 0.51
    assert len(stage.sent(Final)) == 1


def test_a_skipped_judgement_is_warned_of_once() -> None:
    stage = Stage(verdict=None)

    stage.hear(speech(2), hush(2))

    assert [warning.code for warning in stage.sent(WarningMessage)] == ["turn_model_skipped"]
    assert stage.sent(TurnEnd)[0].reason == "silence"


def test_the_turn_model_hears_the_turn_alone_and_8_s_at_most() -> None:
    stage = Stage()
    stage.hear(hush(3), speech(2), hush(0.3))
    stage.hear(speech(12), hush(0.3))

    short, long = stage.done(AskJudgement)
    assert len(short.samples) == pytest.approx(2.5 * SAMPLE_RATE, abs=0.1 * SAMPLE_RATE)
    assert len(long.samples) == 8 * SAMPLE_RATE


def test_without_a_turn_model_nobody_is_asked() -> None:
    stage = Stage(semantic=False)

    stage.hear(speech(2), hush(2))

    assert not stage.done(AskJudgement)
    assert stage.sent(TurnEnd)[0].probability == 1.0


def test_flush_ends_the_turn_now() -> None:
    stage = Stage()

    stage.hear(speech(1), speech(0.01)[:100])
    stage.tell(Flush())

    (ended,) = stage.sent(TurnEnd)
    assert ended.reason == "flush"
    assert len(stage.sent(Final)) == 1


def test_flush_waits_for_the_samples_before_it() -> None:
    stage = Stage()
    stage.session.hear(speech(5))
    stage.session.tell(Flush())
    stage.play()

    assert stage.sent(Final)[0].end == pytest.approx(5, abs=0.05)


def test_reset_drops_the_turn_and_keeps_the_clock() -> None:
    stage = Stage()
    stage.hear(speech(1))
    stage.session.hear(speech(2))
    stage.tell(Reset())

    assert Close(0) in stage.actions
    stage.hear(hush(0.512), speech(1), hush(1))

    (final,) = stage.sent(Final)
    assert final.segment == 1
    assert final.start == pytest.approx(3.2, abs=0.13)


def test_reset_takes_no_turn_back_that_was_flushed() -> None:
    """However little of it was worked through: what a client gets must not hang on our pace."""
    stage = Stage()
    stage.session.hear(speech(2.048))
    stage.session.tell(Flush())
    stage.session.hear(speech(1.024))
    stage.session.tell(Reset())
    stage.play()
    stage.hear(hush(0.512), speech(1.024), hush(1))

    first, second = stage.sent(Final)
    assert (first.segment, second.segment) == (0, 1)
    assert first.end == pytest.approx(2.05, abs=0.05)
    assert second.start == pytest.approx(3.584 - 0.3, abs=0.05)


def test_reset_still_owes_the_finals_of_turns_that_are_over() -> None:
    stage = Stage()
    stage.hear(speech(1.5))
    stage.answering = False
    stage.hear(hush(0.5))
    stage.tell(Reset())

    stage.answer(stage.asked[-1])
    stage.play()

    assert len(stage.sent(Final)) == 1


def test_withheld_silence_ends_a_turn_and_moves_the_clock() -> None:
    stage = Stage()

    stage.hear(speech(2))
    stage.tell(Silence(ms=10_000))
    stage.hear(speech(1), hush(1))

    first, second = stage.sent(Final)
    assert first.end == pytest.approx(2, abs=0.05)
    assert second.start == pytest.approx(11.7, abs=0.13)


@pytest.mark.parametrize(
    "anew", [[], [Silence(ms=10_000)], [Reset()]], ids=["start", "silence", "reset"]
)
def test_a_first_word_in_doubt_is_heard_wherever_the_detector_begins_anew(
    anew: list[Silence | Reset],
) -> None:
    stage = Stage()
    if anew:
        stage.hear(hush(2))
        stage.tell(*anew)
    click, pause, rest = speech(FRAME / SAMPLE_RATE), hush(0.512), speech(1)  # one frame is no turn

    stage.hear(click, pause, rest, hush(1))

    (heard,) = stage.fed.values()
    sound = np.concatenate(heard)
    at = int(np.argmax(sound > 0))
    assert np.array_equal(sound[at:][: len(click)], click)
    assert np.array_equal(sound[at + len(click) + len(pause) :][: len(rest)], rest)


def test_each_flush_tells_in_its_place_whether_it_ended_a_turn() -> None:
    stage = Stage()
    stage.session.hear(hush(1))
    stage.session.tell(Flush())
    stage.session.hear(speech(1))
    stage.session.tell(Flush())
    stage.session.tell(Flush())
    stage.play()

    assert stage.done(Flushed) == [Flushed(False), Flushed(True), Flushed(False)]


def test_a_flush_is_answered_though_a_reset_comes_before_it_is_worked_through() -> None:
    stage = Stage()
    stage.session.hear(hush(1))
    stage.session.tell(Flush())
    stage.session.tell(Reset())
    stage.play()

    assert stage.done(Flushed) == [Flushed(False)]


def test_end_sends_what_is_owed_and_finishes_once() -> None:
    stage = Stage()
    stage.hear(speech(2))
    stage.answering = False
    stage.tell(End())

    assert not stage.done(Finish)
    stage.answer(stage.asked[-1])
    stage.play()

    assert len(stage.sent(Final)) == 1
    assert stage.actions[-1] == Finish()
    assert len(stage.done(Finish)) == 1


def test_push_to_talk_takes_everything() -> None:
    stage = Stage()
    stage.tell(Config(vad=VadOverrides(enabled=False)))

    stage.hear(hush(1), speech(1), hush(3))
    stage.tell(Flush())

    (final,) = stage.sent(Final)
    assert sum(map(len, stage.fed[0])) == 5 * SAMPLE_RATE // FRAME * FRAME
    assert final.start == 0.0


def test_push_to_talk_writes_nothing_down_where_nobody_speaks() -> None:
    stage = Stage()
    stage.tell(Config(vad=VadOverrides(enabled=False)))

    stage.hear(hush(2))
    stage.tell(Flush())

    (final,) = stage.sent(Final)
    assert (final.text, final.words) == ("", ())
    assert stage.sent(Partial) == []
    assert set(stage.session.suppressed) == {"no_speech", "no_words"}


def test_what_changes_in_mid_stream_holds_from_the_next_turn() -> None:
    stage = Stage()
    stage.hear(speech(1), hush(1))
    stage.tell(Config(language="de", prompt="Parley", words=False, partials=False))
    stage.hear(speech(1), hush(1))

    first, second = stage.done(Open)
    assert (first.options.language, second.options.language) == (None, "de")
    assert second.options.prompt == "Parley"
    assert stage.sent(Final)[1].words == ()
    assert {partial.segment for partial in stage.sent(Partial)} == {0}


def test_pauses_are_told_with_their_time() -> None:
    stage = Stage()

    stage.hear(hush(1), speech(2), hush(1))

    assert stage.sent(SpeechStart)[0].timestamp == pytest.approx(1, abs=0.04)
    assert stage.sent(SpeechEnd)[0].timestamp == pytest.approx(3, abs=0.04)
