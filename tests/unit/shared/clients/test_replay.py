"""What is said again after a loss: all that no final covers, and nothing else."""

import pytest

from shared.clients.replay import Control, Replay, shifted
from shared.protocol import asr
from shared.protocol.base import WarningMessage

SECOND = bytes(10)


def all_of(replay: Replay) -> list[bytes | Control]:
    frames = []
    while (frame := replay.take()) is not None:
        frames.append(frame)
    return frames


def test_frames_are_taken_once_a_line() -> None:
    replay = Replay(bytes_per_second=10)
    replay.put(b"a" * 10)
    replay.put(asr.Flush())
    assert all_of(replay) == [b"a" * 10, asr.Flush()]
    assert all_of(replay) == []
    replay.put(b"b" * 5)
    assert all_of(replay) == [b"b" * 5]
    replay.rewind()
    assert all_of(replay) == [b"a" * 10, asr.Flush(), b"b" * 5]
    assert replay.end_s == pytest.approx(1.5)


def test_what_a_final_covers_is_forgotten() -> None:
    replay = Replay(bytes_per_second=10)
    for _ in range(4):
        replay.put(SECOND)
    all_of(replay)
    replay.settle(2.5)
    replay.rewind()
    assert replay.start_s == 2.0
    assert len(all_of(replay)) == 2


def test_what_was_not_sent_is_not_covered() -> None:
    replay = Replay(bytes_per_second=10)
    replay.put(SECOND)
    replay.settle(99.0)
    assert all_of(replay) == [SECOND]


def test_withheld_silence_is_time() -> None:
    replay = Replay(bytes_per_second=10)
    replay.put(asr.Silence(ms=1500))
    replay.put(SECOND)
    assert replay.end_s == pytest.approx(2.5)


def test_the_end_is_said_on_every_line() -> None:
    replay = Replay(bytes_per_second=10)
    replay.put(SECOND)
    replay.put(asr.End())
    all_of(replay)
    replay.settle(1.0)
    replay.rewind()
    assert all_of(replay) == [asr.End()]
    assert replay.start_s == 1.0


def test_a_reset_forgets_what_was_sent() -> None:
    replay = Replay(bytes_per_second=10)
    replay.put(SECOND)
    all_of(replay)
    replay.put(b"x" * 10)
    replay.reset()
    replay.rewind()
    assert all_of(replay) == [b"x" * 10]


def test_memory_is_bounded() -> None:
    replay = Replay(bytes_per_second=10, most_s=5)
    for _ in range(100):
        replay.put(SECOND)
    assert replay.start_s == 95.0
    assert len(all_of(replay)) == 5


def test_messages_move_into_the_streams_time() -> None:
    word = asr.WordMessage(word="hi", start=0.1, end=0.2, confidence=1)
    final = asr.Final(text="hi", start=0.1, end=0.5, words=(word,), segment=0)
    moved = shifted(final, 10.0, 3)
    assert isinstance(moved, asr.Final)
    assert (moved.start, moved.end, moved.segment) == (10.1, 10.5, 3)
    assert (moved.words[0].start, moved.words[0].end) == (10.1, 10.2)


@pytest.mark.parametrize(
    "message",
    [
        asr.SpeechStart(timestamp=1.0, segment=1),
        asr.SpeechEnd(timestamp=1.0, segment=1),
        asr.TurnEnd(timestamp=1.0, probability=1, reason="flush", segment=1),
        asr.Partial(text="a", confidence=1, timestamp=1.0, segment=1),
        asr.Candidate(text="a", probability=1, timestamp=1.0, segment=1),
    ],
    ids=lambda message: message.type,
)
def test_every_timestamp_moves(message: asr.SpeechStart) -> None:
    moved = shifted(message, 2.0, 4)
    assert isinstance(moved, type(message))
    assert (moved.timestamp, moved.segment) == (3.0, 5)


def test_other_messages_stay() -> None:
    warning = WarningMessage(code="c", message="m")
    assert shifted(warning, 5.0, 5) is warning
