"""One turn speaks at a time."""

from services.asr.pipeline.outbox import Outbox
from shared.protocol.asr import Partial, SpeechEnd, SpeechStart


def partial(text: str) -> Partial:
    return Partial(text=text, confidence=0.5, timestamp=1.0)


START, PAUSE = SpeechStart(timestamp=0.0), SpeechEnd(timestamp=1.0)


def test_the_first_turn_speaks_at_once() -> None:
    outbox = Outbox()
    outbox.put(0, [START])

    assert list(outbox.take()) == [START]
    assert list(outbox.take()) == []


def test_the_next_waits_until_the_first_is_closed() -> None:
    outbox = Outbox()
    outbox.put(0, [])
    outbox.put(1, [START])
    assert list(outbox.take()) == []

    outbox.put(0, [PAUSE])
    outbox.close(0)

    assert list(outbox.take()) == [PAUSE, START]


def test_of_waiting_partials_the_newest_is_kept() -> None:
    outbox = Outbox()
    outbox.put(0, [])
    outbox.put(1, [START, partial("a"), partial("a b")])
    outbox.put(1, [partial("a b c"), PAUSE, partial("d")])
    outbox.close(0)

    assert list(outbox.take()) == [START, partial("a b c"), PAUSE, partial("d")]


def test_a_dropped_turn_says_nothing_and_blocks_nobody() -> None:
    outbox = Outbox()
    outbox.put(0, [START])
    outbox.drop(0)
    outbox.put(1, [PAUSE])

    assert list(outbox.take()) == [PAUSE]
