"""Telling the assistant's own voice in the microphone from the user's."""

import numpy as np
import pytest

from services.orchestrator.llm.base import Done
from services.orchestrator.pipeline import events
from services.orchestrator.pipeline.actions import Tell
from services.orchestrator.pipeline.dialogue import Dialogue
from services.orchestrator.pipeline.echo import EchoGuard
from services.orchestrator.pipeline.heard import Spoken
from services.orchestrator.pipeline.options import Options
from shared.audio.pcm import Samples
from shared.protocol import asr, conversation
from tests.audio import recordings
from tests.unit.services.orchestrator.pipeline.room import SPEECH, Room, babble, echo, pcm

TEXT = "Your table is booked, and we expect you tonight at eight with all of your friends."
ROOMS = [(delay, decibel) for delay in (0.05, 0.15, 0.3) for decibel in (-10, -15, -20)]


def speaking(microphone: Samples, reply: Samples) -> Room:
    """A dialogue that begins to speak ``reply`` while the microphone hears what it will."""
    dialogue = Dialogue(Options())
    room = Room(dialogue, microphone, 100.0)
    room.happens(conversation.Text(text="book it"), events.MindSaid(1, TEXT))
    room.happens(events.MindDone(1, Done()))
    room.happens(events.SpeechMade(1, pcm(reply), Spoken(0, len(TEXT))), events.SpeechDone(1))
    return room


def told(room: Room) -> list[str]:
    """Types of events, without the reply's own."""
    messages = [action.message for action in room.actions if isinstance(action, Tell)]
    return [m.type for m in messages if m.type.startswith("audio.")]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("delay", "decibel"), ROOMS)
def test_its_own_voice_does_not_even_duck_it(delay: float, decibel: float) -> None:
    reply = babble(4.0, SPEECH, seed=1)
    room = speaking(echo(reply, delay, decibel, 6.0), reply)
    room.until(1.0)
    room.happens(asr.SpeechStart(timestamp=0.7))
    room.until(1.6)
    room.happens(asr.Partial(text="your table is booked", confidence=0.8, timestamp=1.5))
    room.until(4.6)
    room.happens(asr.SpeechEnd(timestamp=4.4))
    room.until(5.4)
    room.happens(
        asr.TurnEnd(timestamp=5.2, probability=0.9, reason="silence"),
        asr.Final(text="Your table is booked and we expect you to night.", start=0.7, end=4.4),
    )
    assert told(room) == ["audio.start", "audio.end"]
    assert room.played == len(pcm(reply))
    transcripts = [a for a in room.actions if isinstance(a, Tell) and "transcript" in str(a)]
    assert len(transcripts) == 1


@pytest.mark.parametrize(("delay", "decibel"), ROOMS)
def test_a_speaker_on_top_of_it_is_heard(delay: float, decibel: float) -> None:
    reply = babble(4.0, SPEECH, seed=1)
    microphone = echo(reply, delay, decibel, 6.0)
    voice = babble(2.0, 16_000, seed=2)
    microphone[24_000 : 24_000 + len(voice)] += voice
    room = speaking(microphone, reply)
    room.until(1.0)
    room.happens(asr.SpeechStart(timestamp=0.7))  # the echo, to begin with
    room.until(1.4)
    assert "audio.duck" not in told(room)
    room.until(2.6)
    assert told(room)[-2:] == ["audio.duck", "audio.clear"]


@pytest.mark.parametrize(("delay", "decibel"), ROOMS)
def test_a_speaker_ducks_it_at_once(delay: float, decibel: float) -> None:
    reply = babble(4.0, SPEECH, seed=3)
    microphone = 0 * echo(reply, delay, decibel, 6.0)  # headphones
    voice = babble(2.0, 16_000, seed=4)
    microphone[16_000 : 16_000 + len(voice)] += voice
    room = speaking(microphone, reply)
    room.until(1.2)
    room.happens(asr.SpeechStart(timestamp=1.0))
    assert told(room) == ["audio.start", "audio.duck"]


def test_a_short_sound_is_over_even_before_the_recogniser_says_so() -> None:
    reply = babble(4.0, SPEECH, seed=3)
    microphone = np.zeros(6 * 16_000, np.float32)
    microphone[16_000:19_200] += babble(0.2, 16_000, seed=4)
    room = speaking(microphone, reply)
    room.until(1.1)
    room.happens(asr.SpeechStart(timestamp=1.0))
    room.until(2.2)
    assert told(room) == ["audio.start", "audio.duck", "audio.resume"]


def test_a_word_of_the_reply_said_by_the_user_is_the_users() -> None:
    reply = babble(4.0, SPEECH, seed=3)
    microphone = np.zeros(6 * 16_000, np.float32)
    microphone[16_000:32_000] += babble(1.0, 16_000, seed=4)
    room = speaking(microphone, reply)
    room.until(1.2)
    room.happens(
        asr.SpeechStart(timestamp=1.0), asr.Partial(text="eight", confidence=0.9, timestamp=1.2)
    )
    assert told(room)[-1] == "audio.clear"


def test_silence_is_no_echo() -> None:
    guard = EchoGuard()
    guard.play(pcm(babble(1.0, SPEECH, seed=1)), 10.0)
    guard.hear(bytes(6400), 10.2)
    assert guard.explained(10.2) == 0.0
    assert not guard.loud()


def test_any_microphone_rate() -> None:
    reply = babble(1.0, SPEECH, seed=1)
    for rate in (8_000, 11_025, 44_100, 48_000):
        guard = EchoGuard(microphone_rate=rate)
        guard.play(pcm(reply), 10.0)
        at = np.arange(round(0.8 * rate)) * SPEECH / rate
        heard = 0.2 * np.interp(at, np.arange(len(reply)), reply).astype(np.float32)
        guard.hear(pcm(heard[-round(0.4 * rate) :]), 10.8)
        assert guard.explained(10.8) > 0.8, rate


@recordings.needs_recordings
def test_real_voices_are_told_apart() -> None:
    reply = recordings.load("ljspeech/LJ001-0003.wav", SPEECH)[: 5 * SPEECH]
    speakers = recordings.recordings("librispeech")[:5]
    for entry in speakers:
        microphone = echo(reply, 0.15, -12, 5.0)
        alone = speaking(microphone.copy(), reply)
        voice = recordings.load(entry["file"])[:32_000]
        voice = voice[int(np.argmax(np.abs(voice) > 0.05)) :]
        microphone[32_000 : 32_000 + len(voice)] += voice * (0.25 / np.abs(voice).max())
        joined = speaking(microphone, reply)
        for room in (alone, joined):
            room.until(0.9)
            room.happens(asr.SpeechStart(timestamp=0.6))
            room.until(4.0)
        assert "audio.duck" not in told(alone), entry["file"]
        assert "audio.duck" in told(joined), entry["file"]


def test_a_long_reply_is_not_remembered_whole() -> None:
    guard = EchoGuard()
    for step in range(1000):
        guard.play(bytes(9600), step * 0.2)
    assert len(guard._played) <= 12


def test_what_the_client_threw_away_has_no_echo() -> None:
    guard = EchoGuard()
    for step in range(5):
        guard.play(bytes(9600), step * 0.2)
    guard.silence(0.3)
    assert [at for at, _ in guard._played] == pytest.approx([0.0, 0.2])
