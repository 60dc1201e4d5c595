"""One turn being transcribed: partials, candidates, finals, failures."""

from itertools import pairwise

import numpy as np

from services.asr.engines.base import SAMPLE_RATE, Transcript
from services.asr.pipeline.actions import AskJudgement, Cancel
from shared.errors import EngineFailed
from shared.protocol.asr import Candidate, Final, Partial, SpeechStart, TurnEnd
from shared.protocol.base import ErrorMessage, WarningMessage
from tests.unit.services.asr.pipeline.stage import Stage, compact, hush, speech


def test_partials_come_every_300_ms_and_never_two_at_a_time() -> None:
    stage = Stage()
    stage.answering = False

    stage.hear(speech(3))

    assert len(stage.asked) == 1
    stage.answering = True
    stage.answer(stage.asked[0])
    stage.play()
    stage.hear(speech(3))
    partials = stage.sent(Partial)
    gaps = np.diff([partial.timestamp for partial in partials])
    assert gaps.max() > 5, "a slow answer stretches the cadence"

    quick = Stage()
    quick.hear(speech(3))
    gaps = np.diff([partial.timestamp for partial in quick.sent(Partial)])
    assert 0.3 <= gaps.min() <= gaps.max() < 0.5


def test_stable_words_only_grow() -> None:
    stage = Stage()

    stage.hear(speech(4))

    stable = [partial.stable for partial in stage.sent(Partial)]
    assert len(stable[-1]) > 10
    assert all(b.startswith(a) for a, b in pairwise(stable))
    assert all(p.text.startswith(p.stable) for p in stage.sent(Partial))


def test_the_text_made_at_the_pause_is_the_final() -> None:
    stage = Stage()
    stage.judging = False
    stage.hear(speech(2), hush(0.5))

    (candidate,) = stage.sent(Candidate)
    finals_asked = [ask for ask in stage.asked if ask.final]
    assert stage.session.holding, "the stream waits for the verdict"
    (judgement,) = stage.done(AskJudgement)
    stage.session.judged(judgement.serial, 0.9)
    stage.play()

    assert [ask for ask in stage.asked if ask.final] == finals_asked
    (final,) = stage.sent(Final)
    (ended,) = stage.sent(TurnEnd)
    assert final.text == candidate.text
    assert (ended.reason, ended.probability) == ("semantic", 0.9)


def test_going_on_voids_the_candidate_and_loses_nothing() -> None:
    stage = Stage(verdict=0.1)
    first, second = speech(2), speech(1)

    stage.hear(first, hush(0.4), second, hush(2))

    assert compact(stage.types()).count("speech_start") == 2
    assert len(stage.sent(Final)) == 1
    assert {message.segment for message in stage.sent(SpeechStart)} == {0}
    heard = np.concatenate(stage.fed[0])
    assert np.array_equal(heard, np.concatenate([first, hush(0.4), second, hush(0.23)]))
    assert stage.sent(Final)[0].end > 3.2


def test_going_on_withdraws_a_final_that_is_not_there_yet() -> None:
    stage = Stage(verdict=0.1)
    stage.hear(speech(2))
    stage.answering = False
    stage.hear(hush(0.4))
    void = stage.asked[-1]
    assert void.final
    stage.actions.clear()
    stage.hear(speech(0.1))

    assert stage.done(Cancel) == [Cancel(0)]
    stage.answer(void)
    assert not stage.sent(Candidate)


def test_a_candidate_before_the_verdict_is_a_coin() -> None:
    stage = Stage()
    stage.judging = False

    stage.hear(speech(2), hush(0.3))

    assert [candidate.probability for candidate in stage.sent(Candidate)] == [0.5]


def test_a_failed_partial_is_missed_and_no_more() -> None:
    stage = Stage()
    stage.answering = False
    stage.hear(speech(0.6))
    stage.session.failed(0, stage.asked[0].serial, EngineFailed("once"))
    stage.answering = True

    stage.hear(speech(1.5), hush(1))

    assert not stage.sent(ErrorMessage)
    assert len(stage.sent(Final)) == 1


def test_a_failed_final_is_made_of_what_is_known() -> None:
    stage = Stage()
    stage.hear(speech(2))
    known = stage.sent(Partial)[-1].text
    stage.answering = False
    stage.hear(hush(1))
    stage.session.failed(0, stage.asked[-1].serial, EngineFailed("out of order"))
    stage.play()

    assert stage.sent(Final)[0].text == known
    assert "partial_result" in [warning.code for warning in stage.sent(WarningMessage)]


def test_a_failed_final_of_which_nothing_is_known_is_an_error() -> None:
    stage = Stage()
    stage.answering = False
    stage.hear(speech(0.2), hush(1))
    stage.session.failed(0, stage.asked[-1].serial, EngineFailed("out of order"))
    stage.play()

    assert [error.code for error in stage.sent(ErrorMessage)] == ["engine_failed"]
    assert stage.sent(Final)[0].text == ""


def test_a_turn_of_two_minutes_loses_and_repeats_nothing() -> None:
    stage = Stage()
    longest = 0

    for _ in range(120):
        stage.hear(speech(1))
        heard = sum(map(len, stage.fed[0]))
        longest = max(longest, heard - round(stage.settled.get(0, 0.0) * SAMPLE_RATE))
    stage.hear(hush(1))

    (final,) = stage.sent(Final)
    words = final.text.split()
    assert words == [f"w{n}" for n in range(len(words))]
    assert len(words) >= 475
    assert longest < 15 * SAMPLE_RATE
    ends = [word.end for word in final.words]
    assert ends == sorted(ends)


def test_what_nobody_said_is_left_out_and_counted() -> None:
    stage = Stage()
    stage.hear(speech(2))
    stage.answering = False
    stage.hear(hush(1))
    stage.answer(stage.asked[-1], Transcript("so " * 40))
    stage.play()

    assert stage.sent(Final)[0].text == "so"
    assert list(stage.session.suppressed) == ["loop"]


def test_a_turn_without_words_is_counted() -> None:
    stage = Stage()
    stage.answering = False
    stage.hear(speech(0.2), hush(1))
    stage.answer(stage.asked[-1], Transcript("", language="en"))
    stage.play()

    assert stage.sent(Final)[0].text == ""
    assert list(stage.session.suppressed) == ["no_words"]
