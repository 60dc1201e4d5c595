"""Where turns begin, pause and end: strings of frames in, events out."""

from dataclasses import replace

import pytest

from services.asr.engines.base import FRAME
from services.asr.pipeline.presets import VadSettings, samples
from services.asr.pipeline.segmenter import (
    _TABLE,
    Ended,
    Event,
    Judge,
    Paused,
    Segmenter,
    Sound,
    Started,
    State,
)

SOUNDS = {"V": 0.9, "v": 0.6, "d": 0.4, ".": 0.05}
"""Voice, voice in doubt, dim and quiet frames of 32 ms."""
PAUSE = "." * 7
"""The first silence of at least 200 ms."""
LONG = "V" * 40
"""A turn with more than a second of speech."""


def feed(segmenter: Segmenter, frames: str) -> list[Event]:
    return [event for frame in frames for event in segmenter.push(SOUNDS[frame])]


def test_every_state_knows_every_sound() -> None:
    assert set(_TABLE) == {(state, sound) for state in State for sound in Sound}


def test_a_turn_begins_with_its_prefix_padding() -> None:
    segmenter = Segmenter()

    events = feed(segmenter, "." * 10 + "VV")

    at = 10 * FRAME
    assert events == [Started(at, at - samples(300), fresh=True)]


def test_padding_never_reaches_before_the_stream() -> None:
    assert feed(Segmenter(), "VV") == [Started(0, 0, fresh=True)]


def test_a_first_word_in_doubt_is_in_the_audio_of_the_turn_behind_it() -> None:
    (started,) = feed(Segmenter(), "." * 12 + "vvv" + "." * 12 + "VV")

    assert started == Started(27 * FRAME, 12 * FRAME - samples(300), fresh=True)


def test_a_sound_in_doubt_later_in_the_stream_is_not() -> None:
    (started,) = feed(Segmenter(), "." * 40 + "vvv" + "." * 12 + "VV")

    assert started == Started(55 * FRAME, 55 * FRAME - samples(300), fresh=True)


def test_the_first_word_of_the_turn_before_is_not_in_the_next() -> None:
    segmenter = Segmenter()
    feed(segmenter, "VVVV")
    (ended,) = segmenter.flush()

    (started,) = feed(segmenter, "." * 12 + "VV")

    assert isinstance(started, Started)
    assert started.since == ended.at + 12 * FRAME - samples(300)


def test_padding_never_reaches_into_the_turn_before() -> None:
    settings = replace(VadSettings(), padding=samples(1000))
    segmenter = Segmenter(settings)
    feed(segmenter, "VVVV")
    (ended,) = segmenter.flush()

    (started,) = feed(segmenter, "VV")

    assert isinstance(ended, Ended)
    assert isinstance(started, Started)
    assert started.since == ended.at


def test_a_click_is_no_turn() -> None:
    assert feed(Segmenter(), "..V......V.d.V....") == []


def test_what_hovers_at_the_threshold_is_no_turn() -> None:
    assert feed(Segmenter(), "vvvdvvvvv...vvdvvvv") == []


def test_a_doubtful_beginning_counts_once_a_frame_is_sure() -> None:
    assert feed(Segmenter(), "....vdvV") == [Started(4 * FRAME, 0, fresh=True)]


def test_of_a_long_doubtful_sound_only_the_last_belongs_to_the_turn() -> None:
    (started,) = feed(Segmenter(), "v" * 100 + "V")

    assert started.at == (101 - 20) * FRAME


def test_a_doubtful_sound_in_a_pause_does_not_hold_the_turn_open() -> None:
    segmenter = Segmenter()
    feed(segmenter, LONG + PAUSE)

    events = feed(segmenter, "v" * 40)

    (ended,) = events
    assert isinstance(ended, Ended)
    assert ended.spoken_until == 40 * FRAME
    assert samples(1000) - FRAME < ended.at - ended.spoken_until <= samples(1000)


def test_speech_that_begins_just_before_the_end_of_the_wait_is_not_cut() -> None:
    segmenter = Segmenter()
    feed(segmenter, LONG + PAUSE + "." * 22)

    events = feed(segmenter, "vdvvV")

    assert events == [Started(69 * FRAME, 0, fresh=False)]


def test_dim_frames_neither_begin_speech_nor_end_it() -> None:
    segmenter = Segmenter()

    assert feed(segmenter, "dddd") == []
    assert len(feed(segmenter, "VV" + "d" * 50)) == 1
    assert segmenter.state is State.SPEECH


@pytest.mark.parametrize(("dim", "counted"), [(2, 0), (3, 0), (10, 7)])
def test_a_dim_tail_belongs_to_speech_but_for_its_afterglow(dim: int, counted: int) -> None:
    segmenter = Segmenter()

    events = feed(segmenter, "VVVV" + "d" * dim + PAUSE)

    (paused,) = [event for event in events if isinstance(event, Paused)]
    assert paused.at == (4 + counted) * FRAME


def test_a_breath_is_no_pause() -> None:
    segmenter = Segmenter()

    events = feed(segmenter, "VVVV" + "." * 6 + "VV")

    assert [type(event) for event in events] == [Started]


def test_a_pause_asks_the_turn_model() -> None:
    segmenter = Segmenter()

    events = feed(segmenter, "VVVV" + PAUSE)

    assert events[1:] == [Paused(4 * FRAME), Judge(11 * FRAME)]


def test_complete_ends_the_turn_at_once() -> None:
    segmenter = Segmenter()
    feed(segmenter, LONG + PAUSE)

    events = list(segmenter.verdict(0.9))

    assert events == [Ended(47 * FRAME, 40 * FRAME, 0.9, "semantic")]
    assert segmenter.idle


@pytest.mark.parametrize(("again_ms", "judged"), [(None, []), (300, [17, 27]), (500, [23])])
def test_incomplete_waits_at_most_the_silence_and_is_judged_again_where_asked(
    again_ms: int | None, judged: list[int]
) -> None:
    again = None if again_ms is None else samples(again_ms)
    segmenter = Segmenter(replace(VadSettings(), judge_again=again))
    feed(segmenter, LONG + PAUSE)
    assert list(segmenter.verdict(0.89)) == []

    events = feed(segmenter, "." * 40)

    asked = [event.at - 40 * FRAME for event in events if isinstance(event, Judge)]
    (ended,) = [event for event in events if isinstance(event, Ended)]
    assert asked == [count * FRAME for count in judged]
    assert (ended.reason, ended.probability) == ("silence", 0.89)
    assert samples(1000) - FRAME < ended.at - ended.spoken_until <= samples(1000)


@pytest.mark.parametrize("verdict", [0.0, 0.49, None])
def test_a_short_turn_waits_half_a_second_whatever_the_model_says(verdict: float | None) -> None:
    segmenter = Segmenter()
    feed(segmenter, "V" * 10 + PAUSE)
    assert list(segmenter.verdict(verdict)) == []

    events = feed(segmenter, "." * 40)

    (ended,) = [event for event in events if isinstance(event, Ended)]
    assert samples(400) - FRAME < ended.at - ended.spoken_until <= samples(400)


def test_going_on_after_a_pause_is_the_same_turn() -> None:
    segmenter = Segmenter()
    feed(segmenter, LONG + PAUSE)
    list(segmenter.verdict(0.1))

    events = feed(segmenter, "..VV")

    assert events == [Started(49 * FRAME, 0, fresh=False)]
    assert segmenter.in_turn


def test_a_click_in_a_pause_does_not_prolong_it() -> None:
    segmenter = Segmenter()
    feed(segmenter, LONG + PAUSE)
    list(segmenter.verdict(0.1))

    events = feed(segmenter, "...V..." + "." * 40)

    (ended,) = [event for event in events if isinstance(event, Ended)]
    assert ended.spoken_until == 40 * FRAME
    assert ended.at - ended.spoken_until <= samples(1000)


def test_without_a_turn_model_silence_decides() -> None:
    segmenter = Segmenter()
    segmenter.configure(VadSettings(), semantic=False)

    events = feed(segmenter, LONG + "." * 40)

    assert [type(event) for event in events] == [Started, Paused, Ended]
    assert isinstance(events[-1], Ended)
    assert events[-1].probability == 1.0


def test_a_late_verdict_is_not_looked_at() -> None:
    segmenter = Segmenter()
    feed(segmenter, LONG + PAUSE + "VV")

    assert list(segmenter.verdict(1.0)) == []


def test_push_to_talk_ends_by_flush_alone() -> None:
    segmenter = Segmenter(replace(VadSettings(), enabled=False))

    events = feed(segmenter, "." * 200)
    (ended,) = segmenter.flush()

    assert [type(event) for event in events] == [Started]
    assert isinstance(ended, Ended)
    assert (ended.at, ended.reason) == (200 * FRAME, "flush")


def test_flush_between_turns_says_nothing() -> None:
    segmenter = Segmenter()
    feed(segmenter, "...")

    assert list(segmenter.flush()) == []


def test_reset_drops_the_turn() -> None:
    segmenter = Segmenter()
    feed(segmenter, "VVVV")

    segmenter.reset()

    assert segmenter.idle
    assert feed(segmenter, "." * 50) == []


def test_time_passes_between_turns() -> None:
    segmenter = Segmenter()
    segmenter.advance(16_000)

    (started,) = feed(segmenter, "VV")

    assert isinstance(started, Started)
    assert started.at == 16_000


def test_the_longest_turn_is_ended() -> None:
    segmenter = Segmenter(replace(VadSettings(), longest=50 * FRAME))

    events = feed(segmenter, "V" * 60)

    assert events[1] == Ended(50 * FRAME, 50 * FRAME, 1.0, "silence")
    assert isinstance(events[2], Started)


def test_settings_change_in_mid_stream() -> None:
    segmenter = Segmenter()
    feed(segmenter, LONG + ".")

    segmenter.configure(replace(VadSettings(), silence=samples(300)), semantic=False)
    events = feed(segmenter, "." * 9)

    assert isinstance(events[-1], Ended)
