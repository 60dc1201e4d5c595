"""What nobody said is left out, and nothing else."""

import pytest

from services.asr.engines.base import Segment, Transcript, Word
from services.asr.pipeline.guard import Voice, sift

SPOKEN = Segment(0.0, 1.0, " Hello there.", avg_logprob=-0.2, no_speech_prob=0.1)


def transcript(*segments: Segment) -> Transcript:
    words = tuple(
        Word(word, segment.start, segment.end, 0.5)
        for segment in segments
        for word in segment.text.split()
    )
    text = "".join(segment.text for segment in segments).strip()
    return Transcript(text, words, segments=segments)


def test_speech_passes_untouched() -> None:
    heard = transcript(SPOKEN)

    assert sift(heard) == (heard, ())


@pytest.mark.parametrize(
    ("doubted", "reason"),
    [
        (
            Segment(1.0, 3.0, " Thank you.", avg_logprob=-1.4, no_speech_prob=0.9),
            "no_speech",
        ),
        (Segment(1.0, 3.0, " ha", avg_logprob=-0.1, compression_ratio=3.1), "compression"),
        (Segment(1.0, 9.0, " Thanks for watching!" * 20), "compression"),
    ],
)
def test_a_segment_that_the_engine_doubts_is_left_out(doubted: Segment, reason: str) -> None:
    sifted, reasons = sift(transcript(SPOKEN, doubted))

    assert sifted == transcript(SPOKEN)
    assert reasons == (reason,)


@pytest.mark.parametrize(("no_speech", "logprob"), [(0.9, -0.3), (0.2, -1.5)])
def test_one_doubt_alone_is_not_enough(no_speech: float, logprob: float) -> None:
    heard = transcript(Segment(0.0, 1.0, " Yes.", avg_logprob=logprob, no_speech_prob=no_speech))

    assert sift(heard)[0] == heard


def test_a_loop_is_kept_once() -> None:
    text = "I said " + "you know " * 9 + "yes"
    words = tuple(Word(word, 0.0, 0.0, 0.5) for word in text.split())

    sifted, reasons = sift(Transcript(text, words))

    assert sifted.text == "I said you know yes"
    assert [word.word for word in sifted.words] == sifted.text.split()
    assert reasons == ("loop",)


def test_saying_something_five_times_is_speech() -> None:
    heard = Transcript("no no no no no")

    assert sift(heard) == (heard, ())


def test_a_turn_that_the_speaker_began_has_words_once_somebody_was_heard() -> None:
    voice, heard = Voice(heard=False), transcript(SPOKEN)
    for probability in (0.9, 0.34, 0.35, 0.1):
        voice.look(probability)

    assert voice.sift(heard) == (Transcript(""), ("no_speech",))
    assert voice.sift(Transcript("")) == (Transcript(""), ())

    voice.look(0.35)
    assert voice.sift(heard) == (heard, ())


def test_a_turn_that_the_detector_began_was_heard() -> None:
    assert Voice(heard=True).sift(transcript(SPOKEN)) == (transcript(SPOKEN), ())
