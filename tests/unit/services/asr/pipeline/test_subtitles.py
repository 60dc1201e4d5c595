import itertools
import re

import pytest

from services.asr.engines.base import Segment, Transcript, Word
from services.asr.pipeline.subtitles import LONGEST_CUE_S, cues, srt, vtt

TIME = r"\d{2}:\d{2}:\d{2}[,.]\d{3}"


def spoken(count: int, *, start: float = 0.0, length: float = 0.4) -> tuple[Word, ...]:
    return tuple(
        Word(f"word{n}", start + n * length, start + (n + 1) * length, 0.9) for n in range(count)
    )


def test_srt_is_numbered_and_timed() -> None:
    text = srt(Transcript("a b", segments=(Segment(0, 1.5, "a"), Segment(3661.25, 3662, "b"))))
    assert text == ("1\n00:00:00,000 --> 00:00:01,500\na\n\n2\n01:01:01,250 --> 01:01:02,000\nb\n")


def test_vtt_has_a_header_and_escapes() -> None:
    text = vtt(Transcript("", segments=(Segment(0, 1, "if a < b & c --> d"),)))
    assert text.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n")
    assert text.endswith("if a &lt; b &amp; c --&gt; d\n")


def test_nothing_said_is_a_valid_file() -> None:
    assert srt(Transcript("")) == ""
    assert vtt(Transcript("")) == "WEBVTT\n"


@pytest.mark.parametrize(
    "words",
    [
        spoken(1),
        spoken(200),
        spoken(200, length=0.0),
        (*spoken(5), *spoken(5, start=60)),
        (Word("late", 5, 6, 1), Word("early", 4, 5, 1)),
        (Word("x" * 200, 0, 1, 1),),
    ],
)
def test_cues_are_ordered_short_and_whole(words: tuple[Word, ...]) -> None:
    found = cues(Transcript("", words))
    assert " ".join(cue.text for cue in found) == " ".join(word.word for word in words)
    for cue in found:
        assert 0 < cue.end - cue.start <= LONGEST_CUE_S + 1
    for earlier, later in itertools.pairwise(found):
        assert earlier.end <= later.start
    blocks = srt(Transcript("", words)).strip().split("\n\n")
    for number, block in enumerate(blocks, 1):
        index, times, *lines = block.split("\n")
        assert index == str(number)
        assert re.fullmatch(f"{TIME} --> {TIME}", times)
        assert 1 <= len(lines) <= 2
        assert all(lines)


def test_a_pause_and_a_sentence_end_a_cue() -> None:
    words = (*spoken(2), Word("end.", 0.8, 1.0, 1), *spoken(2, start=4))
    assert len(cues(Transcript("", words))) == 2


def test_languages_without_spaces_get_none_and_shorter_lines() -> None:
    letters = "今日はとても良い天気ですね散歩に行きましょうか。明日は雨が降るそうです"
    words = tuple(Word(letter, n * 0.1, (n + 1) * 0.1, 0.9) for n, letter in enumerate(letters))
    found = cues(Transcript(letters, words, language="ja"))

    assert "".join(cue.text for cue in found) == letters
    lines = srt(Transcript(letters, words, language="ja")).split("\n")
    assert max(len(line) for line in lines if "-->" not in line) <= 21
