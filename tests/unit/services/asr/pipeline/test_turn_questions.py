"""One turn and its engine: what is asked, when, and which answers count."""

import itertools

import numpy as np
import pytest

from services.asr.engines.base import SAMPLE_RATE, TranscribeOptions, Transcript, Word
from services.asr.pipeline.actions import Ask, Cancel, EngineAction, Feed, Settle
from services.asr.pipeline.segmenter import Ended, Paused, Started
from services.asr.pipeline.turn import CADENCE, CHECK, FORCE, Turn
from shared.errors import EngineFailed
from shared.protocol.asr import Candidate, Final, Partial
from shared.protocol.base import ErrorMessage, Message, WarningMessage


class Teller:
    """Tells a turn what happens, in tenths of a second, and notes what it wants."""

    def __init__(self, *, partials: bool = True, since: int = 0) -> None:
        self.turn = Turn(
            0, Started(since, since, fresh=True), TranscribeOptions(), partials=partials
        )
        self.actions: list[EngineAction] = []
        self.messages: list[Message] = []
        self.heard = 0

    @property
    def asks(self) -> list[Ask]:
        return [action for action in self.actions if isinstance(action, Ask)]

    @property
    def fed(self) -> int:
        return sum(len(action.samples) for action in self.actions if isinstance(action, Feed))

    def hear(self, samples: int) -> None:
        """Speech, or what is held back of a pause."""
        for size in [1600] * (samples // 1600) + [samples % 1600] * (samples % 1600 > 0):
            self.turn.hear(np.ones(size, np.float32))
            self.heard += size
            self._take()

    def pause(self) -> None:
        self.turn.pause(Paused(self.heard))
        self._take()

    def resume(self) -> None:
        self.turn.resume(Started(self.heard, 0, fresh=False))
        self._take()

    def end(self) -> None:
        self.turn.end(Ended(self.heard, self.heard, 0.9, "silence"))
        self._take()

    def answer(self, text: str, ask: Ask | None = None) -> None:
        self.turn.answered((ask or self.asks[-1]).serial, transcript(text, self.heard))
        self._take()

    def fail(self, ask: Ask | None = None) -> None:
        self.turn.failed((ask or self.asks[-1]).serial, EngineFailed("broken"))
        self._take()

    def texts(self, kind: type[Partial | Candidate | Final]) -> list[str]:
        return [message.text for message in self.messages if isinstance(message, kind)]

    def codes(self, kind: type[WarningMessage | ErrorMessage]) -> list[str]:
        return [message.code for message in self.messages if isinstance(message, kind)]

    def _take(self) -> None:
        actions, messages = self.turn.take()
        self.actions += actions
        self.messages += messages


def transcript(text: str, samples: int) -> Transcript:
    """Its words share the time until now."""
    words = text.split()
    edges = np.linspace(0, samples / SAMPLE_RATE, len(words) + 1)
    timed = zip(words, itertools.pairwise(edges.tolist()), strict=True)
    return Transcript(text, tuple(Word(word, begin, end, 0.9) for word, (begin, end) in timed))


def test_a_partial_is_asked_for_at_300_ms_and_told_with_the_time_in_the_stream() -> None:
    told = Teller(since=10 * SAMPLE_RATE)
    told.hear(CADENCE)
    assert [ask.final for ask in told.asks] == [False]
    told.answer("hello")
    (partial,) = [message for message in told.messages if isinstance(message, Partial)]
    assert partial.timestamp == 10.3


def test_a_slow_answer_holds_the_stream_only_while_it_is_awaited() -> None:
    told = Teller()
    told.hear(9 * SAMPLE_RATE)
    assert not told.turn.unheard
    told.answer("late")
    told.hear(2 * SAMPLE_RATE)
    assert len(told.asks) == 1, "the cadence is stretched"
    assert not told.turn.unheard


def test_falling_behind_is_told_once() -> None:
    told = Teller()
    told.hear(15 * SAMPLE_RATE)
    assert told.turn.unheard
    assert told.codes(WarningMessage) == ["falling_behind"]


@pytest.mark.parametrize("fails", [False, True])
def test_an_engine_that_keeps_up_is_never_behind_be_it_broken(fails: bool) -> None:
    told = Teller()
    for _ in range(45):
        told.hear(CADENCE)
        told.fail() if fails else told.answer("always the same")
    assert len(told.asks) == 45
    told.hear(CADENCE)
    assert told.turn.asking
    assert not told.turn.unheard
    told.hear(CADENCE)
    assert told.codes(WarningMessage) == []


def test_what_does_not_change_is_told_once_more_when_it_is_stable_and_then_no_more() -> None:
    told = Teller()
    for text in ("hello there", "hello there", "hello there", "hello there"):
        told.hear(CADENCE)
        told.answer(text)
    assert told.texts(Partial) == ["hello there"] * 2


def test_an_empty_hypothesis_is_no_partial() -> None:
    told = Teller()
    for text in ("uh", ""):
        told.hear(CADENCE)
        told.answer(text)
    assert told.texts(Partial) == ["uh"]


def test_without_partials_it_is_asked_every_5_s_and_told_nothing() -> None:
    told = Teller(partials=False)
    told.hear(CHECK)
    assert len(told.asks) == 1
    told.answer("hello")
    told.hear(CHECK - 1600)
    assert len(told.asks) == 1
    told.hear(1600)
    assert len(told.asks) == 2
    assert told.texts(Partial) == []


def test_a_partial_under_way_is_withdrawn_at_a_pause_and_its_answer_not_looked_at() -> None:
    told = Teller()
    told.hear(CADENCE)
    told.pause()
    partial, final = told.asks
    asking = [action for action in told.actions if isinstance(action, Ask | Cancel)]
    assert asking == [partial, Cancel(0), final]
    assert final.final
    told.answer("stale", partial)
    told.fail(partial)
    assert told.texts(Candidate) == []
    told.answer("hello", final)
    told.answer("again", final)
    assert told.texts(Candidate) == ["hello"]
    told.fail(final)
    assert told.codes(ErrorMessage) == []


def test_after_a_final_was_withdrawn_partials_come_again() -> None:
    told = Teller()
    told.hear(1600)
    told.pause()
    void = told.asks[-1]
    told.resume()
    assert not told.turn.asking
    told.answer("void", void)
    assert told.texts(Candidate) == []
    told.hear(CADENCE)
    assert [ask.final for ask in told.asks] == [True, False]


def test_a_candidate_from_before_the_speaker_went_on_is_not_the_final() -> None:
    told = Teller()
    told.hear(1600)
    told.pause()
    told.answer("one")
    told.resume()
    told.hear(1600)
    told.pause()
    told.end()
    assert told.texts(Final) == []
    told.answer("one two")
    assert told.texts(Final) == ["one two"]


def test_the_verdict_on_one_pause_is_not_that_on_the_next() -> None:
    told = Teller()
    for _ in range(2):
        told.hear(1600)
        told.pause()
        if len(told.asks) == 1:
            told.turn.judged(0.9)
        told.answer("hello")
        told.resume()
    candidates = [message for message in told.messages if isinstance(message, Candidate)]
    assert [candidate.probability for candidate in candidates] == [0.9, 0.5]


def test_a_turn_model_that_has_no_time_is_told_once() -> None:
    told = Teller()
    for _ in range(2):
        told.hear(1600)
        told.pause()
        told.turn.judged(None)
        told.resume()
    assert told.codes(WarningMessage) == ["turn_model_skipped"]


def test_an_empty_candidate_is_not_told() -> None:
    told = Teller()
    told.hear(1600)
    told.pause()
    told.answer("")
    assert told.texts(Candidate) == []
    told.end()
    assert told.texts(Final) == [""]


def test_what_was_held_back_is_fed_once_however_often_the_speaker_pauses() -> None:
    told = Teller()
    for _ in range(3):
        told.hear(3200)
        told.pause()
        told.answer("hello")
        told.hear(800)
        told.resume()
    assert told.fed == 3 * 4000


def test_the_last_samples_of_a_turn_without_a_pause_are_fed() -> None:
    told = Teller()
    told.hear(2000)
    told.end()
    assert told.fed == 2000
    assert told.asks[-1].final


def test_a_final_that_fails_after_a_pause_keeps_the_words_of_that_pause() -> None:
    told = Teller()
    told.hear(1600)
    told.pause()
    told.answer("known words")
    told.resume()
    told.hear(1600)
    told.pause()
    told.fail()
    told.end()
    assert told.texts(Final) == ["known words"]
    assert told.codes(WarningMessage) == ["partial_result"]


def test_pauses_settle_a_long_turn_without_partials_too() -> None:
    told = Teller(partials=False)
    for _ in range(5):
        told.hear(4 * SAMPLE_RATE)
        told.pause()
        told.answer("one two three four five six")
        told.resume()
    assert [action for action in told.actions if isinstance(action, Settle)]


def test_hypotheses_that_never_agree_are_cut_when_the_window_is_full_and_not_before() -> None:
    told = Teller()
    cuts = []
    for number in range(2 * FORCE // CADENCE):
        told.hear(CADENCE)
        told.answer(" ".join(f"{number}x{place}" for place in range(8)))
        if any(isinstance(action, Settle) for action in told.actions):
            cuts.append(told.heard)
            told.actions = [a for a in told.actions if not isinstance(a, Settle)]
    assert FORCE <= cuts[0] < FORCE + CADENCE
    assert len(cuts) == 1 or cuts[1] - cuts[0] > FORCE // 2
