"""What happened in a conversation, turn by turn, from its events. No I/O."""

from dataclasses import dataclass, field

import numpy as np

from shared.audio.pcm import Encoding, Samples, decode
from shared.audio.resample import resample
from shared.protocol import conversation as wire

_AT_WORK = frozenset({"thinking", "speaking", "interrupted"})


@dataclass(slots=True)
class Turn:
    """One thing said and the reply to it."""

    turn_id: str
    transcript: str = ""
    reply: str = ""
    interrupted: bool = False
    start: wire.AudioStart | None = None
    audio: bytearray = field(default_factory=bytearray)
    """The reply's sound in the format of ``start``, without what was thrown away unheard."""
    first_audio_s: float | None = None
    """When its first sound came, by the caller's clock."""
    last_audio_s: float | None = None
    metrics: wire.TurnMetrics | None = None

    def samples(self, rate: int) -> Samples:
        """The reply's sound, float32 [n] at ``rate``."""
        if self.start is None or not self.audio:
            return np.zeros(0, np.float32)
        encoding = Encoding(self.start.encoding)
        whole = len(self.audio) - len(self.audio) % encoding.width
        return resample(decode(bytes(self.audio[:whole]), encoding), self.start.sample_rate, rate)

    def keep(self, seconds: float) -> None:
        """Throw away the sound after so many seconds."""
        if self.start is not None:
            width = Encoding(self.start.encoding).width
            del self.audio[int(seconds * self.start.sample_rate) * width :]

    @property
    def lead_ms(self) -> float | None:
        """How long before its synthesis was finished the reply could be heard."""
        told = self.metrics
        if told and told.synthesis_ms is not None and told.tts_first_chunk_ms is not None:
            return told.synthesis_ms - told.tts_first_chunk_ms
        if self.first_audio_s is None or self.last_audio_s is None:
            return None
        return (self.last_audio_s - self.first_audio_s) * 1000


class DialogueLog:
    """Takes the events and the sound of one conversation in order."""

    def __init__(self) -> None:
        self.turns: dict[str, Turn] = {}
        self.session: wire.SessionEvent | None = None
        self._state = "idle"
        self._speaking: Turn | None = None

    @property
    def settled(self) -> bool:
        """Something was said and answered, and nothing is being worked on."""
        answered = [turn for turn in self.turns.values() if turn.metrics is not None]
        spoken = [turn for turn in self.turns.values() if turn.transcript]
        return bool(answered) and len(answered) >= len(spoken) and self._state not in _AT_WORK

    @property
    def heard(self) -> bool:
        """Something was understood."""
        return any(turn.transcript for turn in self.turns.values())

    def take(self, received: wire.ConversationServerMessage | bytes, now_s: float) -> Turn | None:
        """Take the next event or piece of sound; the turn that it completes, if any."""
        match received:
            case bytes():
                self._sound(received, now_s)
            case wire.SessionEvent():
                self.session = received
            case wire.StateEvent():
                self._state = received.value
            case wire.TranscriptEvent():
                self._turn(received.turn_id).transcript = received.text
            case wire.ReplyDone():
                turn = self._turn(received.turn_id)
                turn.reply, turn.interrupted = received.text, received.interrupted
            case wire.AudioStart():
                self._speaking = self._turn(received.turn_id)
                self._speaking.start = received
            case wire.AudioClear():
                self._clear(self._turn(received.turn_id), now_s)
            case wire.TurnMetrics():
                turn = self._turn(received.turn_id)
                turn.metrics = received
                return turn
            case _:
                pass
        return None

    def _turn(self, turn_id: str) -> Turn:
        return self.turns.setdefault(turn_id, Turn(turn_id))

    def _sound(self, data: bytes, now_s: float) -> None:
        turn = self._speaking
        if turn is not None:
            turn.first_audio_s = now_s if turn.first_audio_s is None else turn.first_audio_s
            turn.last_audio_s = now_s
            turn.audio += data

    @staticmethod
    def _clear(turn: Turn, now_s: float) -> None:
        """A player would have played since the first sound and no longer."""
        if turn.first_audio_s is not None:
            turn.keep(now_s - turn.first_audio_s)
