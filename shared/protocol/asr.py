"""Native ASR messages, ``WS :8001/ws``. Binary frames carry PCM as ``config`` says."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from shared.protocol.base import ErrorMessage, Limits, Message, Ping, Pong, WarningMessage

Encoding = Literal["s16le", "f32le", "mulaw", "alaw"]
Sensitivity = Literal["low", "medium", "high"]


class Environment(StrEnum):
    """Presets for where the speaker is."""

    QUIET = "quiet"
    MODERATE = "moderate"
    NOISY = "noisy"
    MOBILE = "mobile"
    CONFERENCE = "conference"


class VadOverrides(Message):
    """Values that replace those of the preset."""

    enabled: bool = True
    """False: push-to-talk, turns end by `flush`."""
    start: Sensitivity | None = None
    """How readily speech begins."""
    end: Sensitivity | None = None
    """How readily speech ends."""
    threshold: float | None = Field(default=None, gt=0, lt=1)
    """Speech probability that begins speech; overrides `start`."""
    negative_threshold: float | None = Field(default=None, gt=0, lt=1)
    """Speech probability below which speech pauses; overrides `end`."""
    peak_threshold: float | None = Field(default=None, gt=0, lt=1)
    """Speech probability that a frame must reach before a turn begins or goes on."""
    prefix_padding_ms: int | None = Field(default=None, ge=0, le=1000)
    """Audio kept from before the detected start."""
    silence_ms: int | None = Field(default=None, ge=100, le=10_000)
    """Most silence waited for when the turn seems incomplete."""
    semantic: bool = True
    """False: silence alone ends a turn."""
    turn_threshold: float | None = Field(default=None, gt=0, le=1)
    """Probability of being complete from which the turn model ends a turn."""
    judge_again_ms: int | None = Field(default=None, ge=100, le=10_000)
    """Silence from one judgement of a pause to the next; null: a pause is judged once."""


class Config(Message):
    """How to listen; once before audio. Later only what can change mid-stream."""

    type: Literal["config"] = "config"
    sample_rate: int = Field(default=16_000, ge=8_000, le=48_000)
    """Hz of the audio sent."""
    encoding: Encoding = "s16le"
    channels: Literal[1, 2] = 1
    """Of two the mean is heard."""
    language: str | None = None
    """ISO 639-1, a region (`de-AT`) is not looked at; null, or one that the engine does not know:
    detected for each turn."""
    model: str | None = None
    """Null: the loaded one, which also answers for known others, with a `warning`."""
    partials: bool = True
    """Whether `partial` is wanted."""
    words: bool = True
    """Whether finals carry word times."""
    environment: Environment = Environment.MODERATE
    vad: VadOverrides = VadOverrides()
    """Values that replace those of the environment's preset."""
    prompt: str | None = Field(default=None, max_length=2000)
    """Text that biases the vocabulary."""

    def changed(self, by: "Config") -> "Config":
        """This config with the fields that a later one gives; those of ``vad`` one by one."""
        given = {name: getattr(by, name) for name in by.model_fields_set - {"type"}}
        if "vad" in given:
            overrides = {name: getattr(by.vad, name) for name in by.vad.model_fields_set}
            given["vad"] = self.vad.model_copy(update=overrides)
        return self.model_copy(update=given)


class Flush(Message):
    """End the current turn now."""

    type: Literal["flush"] = "flush"


class Reset(Message):
    """Drop what came since the last turn ended; no final is sent for it."""

    type: Literal["reset"] = "reset"


class End(Message):
    """No more audio: finals are sent, then close 1000."""

    type: Literal["end"] = "end"


class Silence(Message):
    """The client withholds silence; the clock and the segmenter advance by it."""

    type: Literal["silence"] = "silence"
    ms: int = Field(gt=0, le=60_000)
    """Its length."""


AsrClientMessage = Annotated[
    Config | Flush | Reset | End | Silence | Ping | Pong, Field(discriminator="type")
]
ASR_CLIENT: TypeAdapter[AsrClientMessage] = TypeAdapter(AsrClientMessage)


class Ready(Message):
    """The first message: what listens, and its limits."""

    type: Literal["ready"] = "ready"
    session_id: str
    model: str
    """Name of the loaded model."""
    engine: str
    """What listens."""
    sample_rate: int
    """Hz that the engine works at; any other is resampled."""
    limits: Limits
    """What the service allows."""
    capabilities: tuple[str, ...] = ()
    """What the engine can do beyond text, such as `partials`, `words` and `prompt`."""
    reason: str | None = None
    """Why this engine: a fallback names what was passed over, and what to set."""


class SpeechStart(Message):
    """Speech begins, in a new segment or after a pause."""

    type: Literal["speech_start"] = "speech_start"
    timestamp: float
    """Seconds from the first sample of the stream."""
    segment: int | None = None


class SpeechEnd(Message):
    """A pause."""

    type: Literal["speech_end"] = "speech_end"
    timestamp: float
    segment: int | None = None


class TurnEnd(Message):
    """The speaker is done."""

    type: Literal["turn_end"] = "turn_end"
    timestamp: float
    probability: float
    """Of the turn being complete, from the turn model; 1 when it was not asked."""
    reason: Literal["semantic", "silence", "flush"]
    """What ended it: the turn model, silence, or `flush`."""
    segment: int | None = None


class Partial(Message):
    """What the turn says so far."""

    type: Literal["partial"] = "partial"
    text: str
    """The whole hypothesis."""
    stable: str = ""
    """Its append-only prefix: words that two hypotheses in a row agree on."""
    confidence: float
    """Probability in [0, 1], a mean over the words."""
    timestamp: float
    """End of the audio that it covers."""
    segment: int | None = None


class Candidate(Message):
    """The whole text, made at a pause; speech again in the same segment voids it."""

    type: Literal["candidate"] = "candidate"
    text: str
    """What the `final` will say if the turn ends here."""
    probability: float
    """Of the turn being complete."""
    segment: int
    timestamp: float


class WordMessage(Message):
    """A word of a final."""

    word: str
    """Without surrounding blanks."""
    start: float
    """Seconds from the first sample of the stream."""
    end: float
    """Likewise."""
    confidence: float
    """Probability in [0, 1]."""


class Final(Message):
    """The text of a turn; one a turn."""

    type: Literal["final"] = "final"
    text: str
    """Empty when nothing was said."""
    start: float
    """Seconds from the first sample of the stream."""
    end: float
    """Likewise."""
    language: str | None = None
    """ISO 639-1, of this turn."""
    confidence: float | None = None
    """Probability in [0, 1], a mean over the words."""
    words: tuple[WordMessage, ...] = ()
    """With their times; empty where they are not wanted or not known."""
    segment: int | None = None


AsrServerMessage = Annotated[
    Ready
    | SpeechStart
    | SpeechEnd
    | TurnEnd
    | Partial
    | Candidate
    | Final
    | WarningMessage
    | ErrorMessage
    | Ping
    | Pong,
    Field(discriminator="type"),
]
ASR_SERVER: TypeAdapter[AsrServerMessage] = TypeAdapter(AsrServerMessage)
