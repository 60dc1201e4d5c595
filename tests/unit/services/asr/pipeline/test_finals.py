"""Words of the engine in the time of the stream."""

from services.asr.engines.base import SAMPLE_RATE, Transcript, Word
from services.asr.pipeline.finals import Span, final_message

SPAN = Span(
    since=10 * SAMPLE_RATE,
    fed=3 * SAMPLE_RATE,
    speech_at=int(10.1 * SAMPLE_RATE),
    spoken_until=int(12.5 * SAMPLE_RATE),
)


def heard(*words: tuple[str, float, float]) -> Transcript:
    text = " ".join(word for word, _, _ in words)
    return Transcript(text, tuple(Word(*word, 0.98765) for word in words), "en", 0.98765)


def test_words_are_moved_to_where_the_turn_lies() -> None:
    final = final_message(heard(("good", 0.2, 0.6), ("day", 0.6, 1.0)), SPAN, 4, words=True)

    assert [(word.start, word.end) for word in final.words] == [(10.2, 10.6), (10.6, 11.0)]
    assert (final.start, final.end, final.segment) == (10.1, 12.5, 4)
    assert final.confidence == final.words[0].confidence == 0.988


def test_words_before_and_behind_speech_widen_the_turn() -> None:
    final = final_message(heard(("so", 0.0, 0.4), ("there", 2.6, 2.9)), SPAN, 0, words=True)

    assert (final.start, final.end) == (10.0, 12.9)


def test_times_that_go_back_or_beyond_are_set_right() -> None:
    found = heard(("one", 0.5, 1.0), ("two", 0.2, 0.9), ("three", 2.9, 9.0))

    final = final_message(found, SPAN, 0, words=True)

    times = [time for word in final.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[-1] == 13.0


def test_words_may_be_left_out_but_not_their_times() -> None:
    final = final_message(heard(("so", 0.0, 0.4)), SPAN, 0, words=False)

    assert final.words == ()
    assert final.start == 10.0


def test_nothing_said_keeps_the_times_of_the_voice() -> None:
    final = final_message(Transcript(""), SPAN, 0, words=True)

    assert (final.text, final.start, final.end) == ("", 10.1, 12.5)
