"""What a reply's sound tells the client, and when: begun, held, let go, thrown away, heard."""

import pytest

from services.orchestrator.pipeline.actions import Play, Tell
from services.orchestrator.pipeline.echo import EchoGuard
from services.orchestrator.pipeline.events import FillerMade, SpeechMade
from services.orchestrator.pipeline.heard import Spoken
from services.orchestrator.pipeline.options import Options
from services.orchestrator.pipeline.playout import RATE, Playout
from services.orchestrator.pipeline.reply import Reply
from services.orchestrator.pipeline.sounding import Sounding
from services.orchestrator.pipeline.stage import Stage
from services.orchestrator.pipeline.state import State

SECOND = b"\1\0" * RATE


@pytest.fixture
def stage() -> Stage:
    """A dialogue whose user waits for the answer."""
    return Stage(Options(ahead_s=1.0), now=10.0, state=State.THINKING)


@pytest.fixture
def reply() -> Reply:
    return Reply(1, "Hello?", Playout(1.0), turn_id="turn_1", text="Hello.", confirmed=True)


class Guard(EchoGuard):
    """Notes when what is played, and from when on nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []
        self.silent_from: float | None = None

    def play(self, pcm: bytes, at: float) -> None:
        self.times.append(at)

    def silence(self, now: float) -> None:
        self.silent_from = now


@pytest.fixture
def guard() -> Guard:
    return Guard()


@pytest.fixture
def sounding(stage: Stage, guard: Guard) -> Sounding:
    return Sounding(stage, guard)


def told(stage: Stage) -> list[str]:
    """Types of the messages to the client, and `pcm` for a run of audio."""
    names: list[str] = []
    for action in stage.take():
        name = getattr(action.message, "type", "") if isinstance(action, Tell) else "pcm"
        assert isinstance(action, Tell | Play)
        if name != "pcm" or names[-1:] != ["pcm"]:
            names.append(name)
    return names


def speak(sounding: Sounding, reply: Reply, pcm: bytes = SECOND) -> None:
    sounding.add(reply, SpeechMade(1, pcm, Spoken(0, 6)))


def test_it_begins_once_and_ends_once(stage: Stage, reply: Reply, sounding: Sounding) -> None:
    speak(sounding, reply)
    reply.playout.whole = True
    assert not sounding.pump(reply)
    assert told(stage) == ["audio.start", "state", "pcm", "audio.end"]
    stage.now += 0.5
    assert not sounding.pump(reply)
    stage.now += 0.6
    assert sounding.pump(reply)
    assert told(stage) == []


def test_what_is_held_is_neither_sent_nor_over(
    stage: Stage, reply: Reply, sounding: Sounding
) -> None:
    speak(sounding, reply, 3 * SECOND)
    sounding.pump(reply)
    told(stage)
    sounding.hold(reply)
    stage.now += 5.0
    assert not sounding.pump(reply)
    assert told(stage) == ["audio.duck"]
    sounding.release(reply)
    stage.now += 0.5
    sounding.pump(reply)
    assert told(stage) == ["audio.resume", "pcm"]


def test_who_heard_nothing_is_told_nothing(stage: Stage, reply: Reply, sounding: Sounding) -> None:
    speak(sounding, reply)
    sounding.hold(reply)
    sounding.release(reply)
    sounding.clear(reply)
    assert told(stage) == []
    assert reply.playout.all_sent


def test_what_is_cleared_is_not_sent(stage: Stage, reply: Reply, sounding: Sounding) -> None:
    speak(sounding, reply, 3 * SECOND)
    sounding.pump(reply)
    told(stage)
    sounding.clear(reply)
    stage.now += 5.0
    assert sounding.pump(reply)
    assert "pcm" not in told(stage)


def test_a_filler_gives_way_to_the_answer(stage: Stage, reply: Reply, sounding: Sounding) -> None:
    sounding.bridge(reply, FillerMade(1, "One moment.", 3 * SECOND))
    sounding.pump(reply)
    assert told(stage) == ["filler", "audio.start", "state", "pcm"]
    assert reply.times.first_audio is None
    sent = reply.playout.sent_s
    speak(sounding, reply)
    assert reply.playout.queued_s - sent < 1.1
    assert reply.times.audio_s == 1.0


def test_what_was_played_is_over_when_it_is_let_go(
    stage: Stage, reply: Reply, sounding: Sounding
) -> None:
    speak(sounding, reply)
    reply.playout.whole = True
    sounding.pump(reply)
    sounding.hold(reply)
    reply.playout.report(1.0, stage.now)
    assert not sounding.pump(reply)
    sounding.release(reply)
    assert sounding.pump(reply)


def test_the_echo_is_expected_when_the_client_plays_it(
    stage: Stage, reply: Reply, sounding: Sounding, guard: Guard
) -> None:
    speak(sounding, reply, 3 * SECOND)
    sounding.pump(reply)
    assert guard.times == pytest.approx([10.0, 10.2, 10.4, 10.6, 10.8])
    stage.now += 0.1
    sounding.clear(reply)
    assert guard.silent_from == stage.now
