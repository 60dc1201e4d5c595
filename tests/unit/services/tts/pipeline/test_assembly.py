"""Engine chunks become the pieces that the client asked for."""

import numpy as np
import pytest

from services.tts.engines.base import SAMPLE_RATE, SpeechChunk, WordTime
from services.tts.pipeline.assembly import Assembler, Piece
from services.tts.pipeline.chunker import Clause
from services.tts.pipeline.text import speakable
from services.tts.pipeline.utterance import Spoken

TEXT = "It cost $5, really."


def spoken(text: str = TEXT, start: int = 0) -> Spoken:
    return Spoken(speakable(text, offset=start), Clause(text, start), start + len(text))


def sound(seconds: float) -> np.ndarray:
    return np.full(round(seconds * SAMPLE_RATE), 0.1, np.float32)


def word(clause: Spoken, name: str, start: float, end: float) -> WordTime:
    at = clause.text.text.index(name)
    return WordTime(name, start, end, at, at + len(name))


def seconds(pieces: list[Piece]) -> list[float]:
    return [round(piece.seconds, 3) for piece in pieces]


def test_pieces_have_the_size_that_was_asked_for() -> None:
    assembler = Assembler(SAMPLE_RATE, 25)
    assembler.begin(spoken())
    assert seconds(assembler.feed(SpeechChunk(sound(2.5)))) == [1.0, 1.0]
    assert seconds(assembler.feed(SpeechChunk(sound(0.4)))) == []
    assert seconds(assembler.end_clause()) == [0.9]
    assert assembler.finish(len(TEXT)) == []


def test_the_first_sound_is_passed_on_however_short() -> None:
    assembler = Assembler(SAMPLE_RATE, 25)
    assembler.begin(spoken())
    assert seconds(assembler.feed(SpeechChunk(sound(0.2)))) == [0.2]
    assert seconds(assembler.feed(SpeechChunk(sound(0.2)))) == []


def test_words_are_the_users_and_timed_in_the_request() -> None:
    assembler = Assembler(SAMPLE_RATE, 25)
    first, second = spoken(), spoken(" And so on.", len(TEXT))
    assembler.begin(first)
    pieces = assembler.feed(
        SpeechChunk(
            sound(2.0),
            (
                word(first, "It", 0.0, 0.3),
                word(first, "five", 0.6, 0.9),
                word(first, "dollars", 0.9, 1.4),
                word(first, "really", 1.5, 2.0),
            ),
        )
    )
    pieces += assembler.end_clause()
    assembler.begin(second)
    pieces += assembler.feed(SpeechChunk(sound(1.0), (word(second, "And", 0.1, 0.3),)))
    words = [w for piece in pieces for w in piece.words]
    assert [(w.word, round(w.start, 3), round(w.end, 3)) for w in words] == [
        ("It", 0.0, 0.3), ("$5", 0.6, 1.4), ("really", 1.5, 2.0), ("And", 2.1, 2.3),
    ]  # fmt: skip
    assert [(p.text_start, p.text_end) for p in pieces] == [(0, 10), (10, 19), (19, 23)]


def test_the_last_word_takes_the_marks_after_it_along() -> None:
    assembler = Assembler(SAMPLE_RATE, 100)
    clause = spoken("Hello!!")
    assembler.begin(clause)
    (piece,) = assembler.feed(SpeechChunk(sound(0.5), (word(clause, "Hello", 0, 0.5),)))
    assert (piece.text_start, piece.text_end) == (0, 7)


def test_everything_in_one_piece_when_nothing_is_streamed() -> None:
    assembler = Assembler(SAMPLE_RATE, None)
    assembler.begin(spoken())
    assert assembler.feed(SpeechChunk(sound(3.0))) == []
    assert assembler.end_clause() == []
    assert seconds(assembler.finish(len(TEXT))) == [3.0]


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_other_rates_lose_nothing(rate: int) -> None:
    assembler = Assembler(rate, 10)
    pieces = []
    for start in (0, len(TEXT)):
        assembler.begin(spoken(start=start))
        pieces += assembler.feed(SpeechChunk(sound(1.0))) + assembler.end_clause()
    pieces += assembler.finish(2 * len(TEXT))
    assert sum(len(piece.samples) for piece in pieces) == 2 * rate


@pytest.mark.parametrize("stretch", [0.5, 2.0])
def test_stretched_speech_is_shorter_or_longer_and_its_words_follow(stretch: float) -> None:
    assembler = Assembler(SAMPLE_RATE, 10, stretch)
    clause = spoken()
    assembler.begin(clause)
    pieces = assembler.feed(SpeechChunk(sound(2.0), (word(clause, "really", 1.0, 2.0),)))
    pieces += assembler.end_clause() + assembler.finish(len(TEXT))
    assert sum(piece.seconds for piece in pieces) == pytest.approx(2.0 / stretch, abs=0.001)
    (told,) = (w for piece in pieces for w in piece.words)
    assert (told.start, told.end) == pytest.approx((1.0 / stretch, 2.0 / stretch))
    assert assembler.seconds == pytest.approx(2.0 / stretch)


def test_a_request_without_sound_has_no_piece() -> None:
    assembler = Assembler(8_000, 10)
    assembler.begin(spoken())
    assert assembler.feed(SpeechChunk(sound(0))) == []
    assert assembler.end_clause() + assembler.finish(len(TEXT)) == []
    assert assembler.seconds == 0


def test_without_word_times_a_clause_is_covered_by_its_last_piece() -> None:
    assembler = Assembler(SAMPLE_RATE, 25)
    assembler.begin(spoken())
    pieces = assembler.feed(SpeechChunk(sound(0.5))) + assembler.feed(SpeechChunk(sound(0.5)))
    pieces += assembler.end_clause()
    assert [(piece.text_start, piece.text_end) for piece in pieces] == [(0, 0), (0, len(TEXT))]
