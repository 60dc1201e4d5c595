"""The log of a conversation: who said what, how long it took, whether it is over."""

import numpy as np
import pytest

from shared.clients.dialogue_log import DialogueLog
from shared.protocol import conversation as wire

SECOND = bytes(2 * 24_000)


def turn(log: DialogueLog, name: str) -> None:
    log.take(wire.TranscriptEvent(text=f"said {name}", turn_id=name), 0.0)
    log.take(wire.StateEvent(value="speaking"), 0.0)
    log.take(wire.AudioStart(turn_id=name), 0.0)
    log.take(SECOND, 1.0)
    log.take(SECOND, 1.5)
    log.take(wire.ReplyDone(turn_id=name, text=f"reply {name}"), 2.0)


def test_a_turn_is_put_together() -> None:
    log = DialogueLog()
    turn(log, "a")
    told = wire.TurnMetrics(turn_id="a", tts_first_chunk_ms=40, synthesis_ms=300)
    done = log.take(told, 2.0)
    assert done is log.turns["a"]
    assert (done.transcript, done.reply) == ("said a", "reply a")
    assert len(done.samples(24_000)) == 48_000
    assert len(done.samples(16_000)) == 32_000
    assert done.lead_ms == 260


def test_without_the_servers_times_the_sound_tells_the_lead() -> None:
    log = DialogueLog()
    turn(log, "a")
    assert log.turns["a"].lead_ms == 500


def test_a_turn_without_sound_has_no_lead() -> None:
    log = DialogueLog()
    log.take(wire.ReplyDone(turn_id="a", text=""), 0.0)
    assert log.turns["a"].lead_ms is None
    assert len(log.turns["a"].samples(24_000)) == 0


def test_it_is_settled_when_all_was_answered() -> None:
    log = DialogueLog()
    seen = [(log.heard, log.settled)]
    turn(log, "a")
    for event in (
        wire.TurnMetrics(turn_id="a"),
        wire.StateEvent(value="listening"),
        wire.TranscriptEvent(text="more", turn_id="b"),
    ):
        log.take(event, 3.0)
        seen.append((log.heard, log.settled))
    assert seen == [(False, False), (True, False), (True, True), (True, False)]


def test_what_was_cleared_is_cut_where_it_was_heard() -> None:
    log = DialogueLog()
    turn(log, "a")
    log.take(wire.AudioClear(turn_id="a"), 1.75)
    assert len(log.turns["a"].samples(24_000)) == pytest.approx(0.75 * 24_000)


def test_sound_before_any_turn_is_nobodys() -> None:
    log = DialogueLog()
    log.take(SECOND, 0.0)
    assert log.turns == {}


def test_companded_replies_are_decoded() -> None:
    log = DialogueLog()
    log.take(wire.AudioStart(turn_id="a", encoding="mulaw", sample_rate=8_000), 0.0)
    log.take(bytes([0xFF] * 800), 0.0)
    np.testing.assert_array_equal(log.turns["a"].samples(24_000), np.zeros(2_400))
