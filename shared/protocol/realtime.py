"""OpenAI's Realtime protocol, GA names: what a client may say of audio that it sends in.

Unknown fields are ignored, as everybody's clients send some; unknown event types are not.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class Lenient(BaseModel):
    """A part of somebody else's protocol."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def strangers(part: Lenient, given: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The names of fields that are given and that ``part`` has no place for."""
    for name, value in given.items():
        if name not in type(part).model_fields:
            yield path + name
        elif isinstance(found := getattr(part, name), Lenient) and isinstance(value, Mapping):
            yield from strangers(found, value, f"{path}{name}.")


class Pcm(Lenient):
    """16 bit, little-endian, mono."""

    type: Literal["audio/pcm"] = "audio/pcm"
    rate: Literal[24000] = 24000
    """Hz."""


class Pcmu(Lenient):
    """µ-law at 8 kHz."""

    type: Literal["audio/pcmu"] = "audio/pcmu"


class Pcma(Lenient):
    """A-law at 8 kHz."""

    type: Literal["audio/pcma"] = "audio/pcma"


class ServerVad(Lenient):
    """Silence ends a turn."""

    type: Literal["server_vad"] = "server_vad"
    threshold: float = Field(0.5, gt=0, lt=1)
    prefix_padding_ms: int = Field(300, ge=0, le=1000)
    silence_duration_ms: int = Field(500, ge=100, le=10_000)


class SemanticVad(Lenient):
    """A turn model ends a turn."""

    type: Literal["semantic_vad"] = "semantic_vad"
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"


class TranscriptionOptions(Lenient):
    """What hears, and what helps it."""

    model: str | None = None
    language: str | None = None
    languages: tuple[str, ...] | None = None
    """One is as good as `language`; of several the engine finds out which."""
    prompt: str | None = Field(None, max_length=2000)
    keywords: tuple[str, ...] | None = None
    """Words to expect; with the prompt at most 2000 characters."""


class AudioInput(Lenient):
    """How the client's audio is taken."""

    format: Annotated[Pcm | Pcmu | Pcma, Field(discriminator="type")] = Pcm()
    noise_reduction: dict[str, Any] | None = None
    transcription: TranscriptionOptions | None = TranscriptionOptions()
    turn_detection: Annotated[ServerVad | SemanticVad, Field(discriminator="type")] | None = (
        ServerVad()
    )
    """None: the client commits."""


class InputOnly(Lenient):
    """The audio of a session that is not answered."""

    input: AudioInput = AudioInput()


class TranscriptionSession(Lenient):
    """A session that turns speech into text and does nothing else."""

    type: Literal["transcription"] = "transcription"
    audio: InputOnly = InputOnly()
    include: tuple[str, ...] | None = None


class ClientEvent(Lenient):
    """What all of the client's events may carry."""

    event_id: str | None = Field(None, max_length=512)


class SessionUpdate(ClientEvent):
    """Change the fields that are given; null is a value."""

    type: Literal["session.update"] = "session.update"
    session: dict[str, Any]


class AudioAppend(ClientEvent):
    """More audio, base64."""

    type: Literal["input_audio_buffer.append"] = "input_audio_buffer.append"
    audio: str


class AudioCommit(ClientEvent):
    """The turn is over."""

    type: Literal["input_audio_buffer.commit"] = "input_audio_buffer.commit"


class AudioClear(ClientEvent):
    """Forget what was appended and not committed."""

    type: Literal["input_audio_buffer.clear"] = "input_audio_buffer.clear"


TranscriptionClientEvent = Annotated[
    SessionUpdate | AudioAppend | AudioCommit | AudioClear, Field(discriminator="type")
]
TRANSCRIPTION_CLIENT: TypeAdapter[TranscriptionClientEvent] = TypeAdapter(TranscriptionClientEvent)
