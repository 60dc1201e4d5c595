"""A loudspeaker, a room and a microphone, for tests of echoes and interruptions."""

import numpy as np
import soxr

from services.orchestrator.pipeline.actions import Action, Play
from services.orchestrator.pipeline.dialogue import Dialogue
from shared.audio.pcm import Encoding, Samples, encode

FRAME_S = 0.02
MICROPHONE = 16_000
SPEECH = 24_000


def babble(seconds: float, rate: int, seed: int) -> Samples:
    """Something like a voice: harmonics that glide, syllables that swell, a little noise."""
    rng = np.random.default_rng(seed)
    count = round(seconds * rate)
    pitch = 110 + 60 * rng.random() + 15 * np.sin(np.arange(count) / rate * (3 + 2 * rng.random()))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    voice = sum(np.sin(k * phase + 6 * rng.random()) * rng.random() / k for k in range(1, 20))
    syllables = np.repeat(rng.random(round(seconds * 5) + 1), rate // 5)[:count]
    shaped = np.asarray(voice) * (0.2 + syllables) + 0.02 * rng.standard_normal(count)
    return np.asarray(0.25 * shaped / np.abs(shaped).max(), np.float32)


def echo(played: Samples, delay_s: float, decibel: float, seconds: float) -> Samples:
    """What of ``played`` (24 kHz) comes back to the microphone (16 kHz), later and quieter."""
    heard = soxr.resample(played, SPEECH, MICROPHONE) * 10 ** (decibel / 20)
    late = np.concatenate([np.zeros(round(delay_s * MICROPHONE), np.float32), heard])
    room = np.zeros(round(seconds * MICROPHONE), np.float32)
    room[: min(len(late), len(room))] = late[: len(room)]
    return room


def pcm(samples: Samples) -> bytes:
    """s16le."""
    return encode(samples, Encoding.S16LE)


class Room:
    """Time goes by: the reply is played, the microphone hears, the dialogue is told."""

    def __init__(self, dialogue: Dialogue, microphone: Samples, now: float) -> None:
        self.dialogue = dialogue
        self.now = now
        self.actions: list[Action] = []
        self._microphone = microphone
        self._at = 0

    @property
    def played(self) -> int:
        """Bytes of the reply that were sent."""
        return sum(len(action.pcm) for action in self.actions if isinstance(action, Play))

    def until(self, seconds: float) -> None:
        """Let frames come in until so many seconds of microphone were heard."""
        size = round(FRAME_S * MICROPHONE)
        while self._at + size <= round(seconds * MICROPHONE):
            frame = self._microphone[self._at : self._at + size]
            self._at += size
            self.now += FRAME_S
            while (at := self.dialogue.deadline) is not None and at <= self.now:
                self.actions += self.dialogue.tick(max(at, self.now - FRAME_S))
            self.dialogue.advance(FRAME_S)
            if self.dialogue.alert(self.now):
                self.dialogue.microphone(pcm(frame), self.now)

    def happens(self, *events: object) -> None:
        """The recogniser says something."""
        for event in events:
            self.actions += self.dialogue.handle(event, self.now)
