from services.asr.engines.base import EMPTY, Segment, Transcript, Word

ONE = Transcript(
    "a", (Word("a", 0, 1, 0.5),), "de", 0.5, (Segment(0, 1, "a"),), warnings=(("x", "y"),)
)
NONE = Transcript("", language="en", suppressed="no_speech")


def test_windows_join_in_order_with_their_warnings_once() -> None:
    both = Transcript.joined([NONE, ONE, ONE.shifted(2.5)])
    assert both.text == "a a"
    assert [word.start for word in both.words] == [0, 2.5]
    assert [segment.end for segment in both.segments] == [1, 3.5]
    assert (both.language, both.suppressed, both.warnings) == ("de", "no_speech", (("x", "y"),))
    assert both.confidence == 0.5


def test_silence_joined_is_silence() -> None:
    assert Transcript.joined([]) == EMPTY
    assert Transcript.joined([NONE]) is NONE
    assert Transcript.joined([NONE, EMPTY]) == NONE


def test_no_shift_is_the_same() -> None:
    assert ONE.shifted(0) is ONE


def test_windows_are_joined_as_their_language_joins_words() -> None:
    parts = [Transcript("今日は", language="ja"), Transcript(""), Transcript("雨", language="ja")]
    assert Transcript.joined(parts).text == "今日は雨"
