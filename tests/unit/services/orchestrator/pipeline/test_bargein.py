"""Is it an interruption?"""

import pytest

from services.orchestrator.pipeline.bargein import BargeIn, Levels, Phase, Verdict, limit_s

CLEAR_AIR = Levels()
ECHO = Levels(explained=0.9)
QUIET = Levels(loud=False)


@pytest.fixture
def judge() -> BargeIn:
    """Of sensitivity 0.55: the limit is 0.475 s."""
    judge = BargeIn(0.55, "en")
    judge.own = ("your", "table", "is", "booked")
    return judge


@pytest.mark.parametrize(
    ("sensitivity", "limit"), [(0.1, 0.8), (1.0, 0.15), (0.0, 0.8), (7.0, 0.15), (0.55, 0.475)]
)
def test_sensitivity_is_a_time(sensitivity: float, limit: float) -> None:
    assert limit_s(sensitivity) == pytest.approx(limit)


def test_it_ducks_at_once_and_once(judge: BargeIn) -> None:
    assert judge.started(CLEAR_AIR, 1.0) is Verdict.DUCK
    assert judge.paused(1.1) is Verdict.GO_ON
    assert judge.started(CLEAR_AIR, 1.2) is Verdict.GO_ON
    assert judge.phase is Phase.DUCKED


def test_what_lasts_is_an_interruption(judge: BargeIn) -> None:
    judge.started(CLEAR_AIR, 1.0)
    assert judge.deadline == pytest.approx(1.475)
    assert judge.tick(CLEAR_AIR, 1.475) is Verdict.CLEAR


def test_a_stream_that_lags_is_judged_by_its_own_time(judge: BargeIn) -> None:
    judge.started(Levels(heard_s=10.0), 1.0)
    assert judge.tick(Levels(heard_s=10.2), 1.475) is Verdict.GO_ON
    assert judge.deadline == pytest.approx(1.475 + 0.275)
    assert judge.tick(Levels(heard_s=10.48), 1.76) is Verdict.CLEAR


def test_a_stream_that_stands_still_is_not_waited_for_long(judge: BargeIn) -> None:
    judge.started(Levels(heard_s=10.0), 1.0)
    assert judge.tick(Levels(heard_s=10.0), 1.5) is Verdict.GO_ON
    assert judge.tick(Levels(heard_s=10.0), 2.5) is Verdict.CLEAR


def test_listening_noises_may_last_longer(judge: BargeIn) -> None:
    judge.started(CLEAR_AIR, 1.0)
    judge.heard("mm-hmm")
    assert judge.tick(CLEAR_AIR, 1.475) is Verdict.GO_ON
    assert judge.deadline == pytest.approx(1.8)
    assert judge.tick(CLEAR_AIR, 1.8) is Verdict.CLEAR


def test_a_sound_that_has_stopped_waits_for_its_words(judge: BargeIn) -> None:
    judge.started(CLEAR_AIR, 1.0)
    assert judge.tick(QUIET, 1.475) is Verdict.GO_ON
    assert judge.tick(QUIET, 1.575) is Verdict.GO_ON
    assert judge.settled("okay") is Verdict.RESUME
    assert judge.phase is Phase.QUIET


def test_a_gap_inside_a_word_is_no_end(judge: BargeIn) -> None:
    judge.started(CLEAR_AIR, 1.0)
    assert judge.tick(QUIET, 1.475) is Verdict.GO_ON
    assert judge.tick(CLEAR_AIR, 1.575) is Verdict.CLEAR


def test_words_that_never_come_are_none(judge: BargeIn) -> None:
    judge.started(CLEAR_AIR, 1.0)
    judge.paused(1.2)
    assert judge.deadline is not None
    assert judge.tick(QUIET, judge.deadline) is Verdict.RESUME


@pytest.mark.parametrize("text", ["stop", "okay but wait", "no"])
def test_a_word_with_a_meaning_decides(judge: BargeIn, text: str) -> None:
    judge.started(CLEAR_AIR, 1.0)
    assert judge.heard(text) is Verdict.CLEAR


@pytest.mark.parametrize("text", ["", "uh-huh", "your table", "tables booked"])
def test_others_do_not(judge: BargeIn, text: str) -> None:
    judge.started(CLEAR_AIR, 1.0)
    assert judge.heard(text) is Verdict.GO_ON


def test_an_echo_does_nothing_as_long_as_it_is_one(judge: BargeIn) -> None:
    assert judge.started(ECHO, 1.0) is Verdict.GO_ON
    for step in range(1, 20):
        assert judge.tick(ECHO, 1.0 + step / 10) is Verdict.GO_ON
    assert judge.heard("your table is boot") is Verdict.GO_ON


def test_a_voice_over_the_echo_ducks_when_it_is_certain(judge: BargeIn) -> None:
    judge.started(ECHO, 1.0)
    assert judge.tick(CLEAR_AIR, 1.1) is Verdict.GO_ON
    assert judge.tick(CLEAR_AIR, 1.2) is Verdict.DUCK


def test_words_over_an_echo_decide_when_they_prevail(judge: BargeIn) -> None:
    judge.started(ECHO, 1.0)
    assert judge.heard("please wait a minute") is Verdict.CLEAR


def test_after_the_reply_nothing_is_judged(judge: BargeIn) -> None:
    judge.started(CLEAR_AIR, 1.0)
    judge.reset()
    assert judge.deadline is None
    assert judge.tick(CLEAR_AIR, 9.0) is Verdict.GO_ON
    assert judge.dismissed() is Verdict.GO_ON


@pytest.mark.parametrize(("explained", "verdict"), [(0.4, Verdict.GO_ON), (0.39, Verdict.DUCK)])
def test_two_fifths_of_the_energy_make_an_echo(
    judge: BargeIn, explained: float, verdict: Verdict
) -> None:
    assert judge.started(Levels(explained=explained), 1.0) is verdict


@pytest.mark.parametrize("between", [ECHO, Levels(explained=0.1, loud=False)])
def test_a_voice_over_the_echo_must_last_without_a_break(judge: BargeIn, between: Levels) -> None:
    judge.started(ECHO, 1.0)
    for step, levels in enumerate([CLEAR_AIR, between, CLEAR_AIR], 1):
        assert judge.tick(levels, 1.0 + step / 10) is Verdict.GO_ON
    assert judge.tick(CLEAR_AIR, 1.4) is Verdict.DUCK


def test_an_echo_that_begins_again_is_looked_at_anew(judge: BargeIn) -> None:
    judge.started(ECHO, 1.0)
    judge.tick(CLEAR_AIR, 1.1)
    judge.started(ECHO, 1.15)
    assert judge.tick(CLEAR_AIR, 1.25) is Verdict.GO_ON


def test_an_echo_that_pauses_is_still_one(judge: BargeIn) -> None:
    judge.started(ECHO, 1.0)
    judge.paused(1.05)
    assert judge.phase is Phase.ECHO


@pytest.mark.parametrize("text", ["stop it", "your table is booked wait one minute"])
def test_few_words_over_an_echo_may_be_misheard(judge: BargeIn, text: str) -> None:
    judge.started(ECHO, 1.0)
    assert judge.heard(text) is Verdict.GO_ON


def test_a_gap_counts_for_its_own_sound(judge: BargeIn) -> None:
    judge.started(CLEAR_AIR, 1.0)
    judge.tick(QUIET, 1.475)
    judge.paused(1.5)
    judge.started(CLEAR_AIR, 1.6)
    assert judge.tick(QUIET, 2.075) is Verdict.GO_ON
    assert judge.phase is Phase.DUCKED


def test_a_listeners_noise_between_the_replys_words_may_last_longer(judge: BargeIn) -> None:
    judge.started(CLEAR_AIR, 1.0)
    judge.heard("your table okay")
    assert judge.tick(CLEAR_AIR, 1.475) is Verdict.GO_ON


def test_short_words_are_not_taken_for_others_like_them(judge: BargeIn) -> None:
    judge.own = ("not", "now")
    judge.started(CLEAR_AIR, 1.0)
    assert judge.heard("no") is Verdict.CLEAR


def test_what_was_said_before_a_reset_excuses_nothing_after_it(judge: BargeIn) -> None:
    judge.started(CLEAR_AIR, 1.0)
    judge.heard("okay")
    judge.reset()
    judge.started(CLEAR_AIR, 5.0)
    assert judge.tick(CLEAR_AIR, 5.475) is Verdict.CLEAR


def test_who_went_on_is_not_looked_at_again(judge: BargeIn) -> None:
    judge.started(CLEAR_AIR, 1.0)
    judge.dismissed()
    assert judge.deadline is None
