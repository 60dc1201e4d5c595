"""Native TTS messages, ``WS :8002/ws``. Each `audio_chunk` is followed by its binary frame."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from shared.protocol.base import (
    ErrorMessage,
    Identifier,
    Limits,
    Message,
    Ping,
    Pong,
    WarningMessage,
)

RequestId = Annotated[Identifier, Field(min_length=1, max_length=128)]
VoiceId = Annotated[str, Field(min_length=1, max_length=128)]


class AudioFormat(Message):
    """Of the binary frames."""

    encoding: Literal["f32le", "s16le", "mulaw", "alaw"] = "f32le"
    sample_rate: int = Field(default=24_000, ge=8_000, le=48_000)
    """Hz."""


class Synthesize(Message):
    """Speak a text, or open a request whose text follows (`more`)."""

    type: Literal["synthesize"] = "synthesize"
    request_id: RequestId | None = None
    """Made by the server and repeated in its messages when left out."""
    text: str = ""
    """What to say; with `more`, its beginning."""
    voice_id: VoiceId = "default"
    streaming: bool = True
    """False: one chunk with all the audio."""
    chunk_size: int = Field(default=50, ge=1, le=500)
    """Speech tokens a chunk, 40 ms each."""
    emotion: float = Field(default=0.5, ge=0, le=1)
    """How exaggerated, on engines with that capability."""
    language: str | None = None
    speed: float = Field(default=1.0, ge=0.25, le=4)
    """Times the voice's own pace; the pitch stays."""
    format: AudioFormat = AudioFormat()
    """Of the binary frames."""
    more: bool = False
    """Text follows in `text` messages, until `end`."""


class Text(Message):
    """More text of an open request."""

    type: Literal["text"] = "text"
    request_id: RequestId
    text: str
    """To be put behind what came before."""


class Flush(Message):
    """Speak what is there without waiting for the clause to end."""

    type: Literal["flush"] = "flush"
    request_id: RequestId


class End(Message):
    """The request's text is complete."""

    type: Literal["end"] = "end"
    request_id: RequestId


class Cancel(Message):
    """Stop the request; nothing of it is sent after `cancelled`."""

    type: Literal["cancel"] = "cancel"
    request_id: RequestId


class RegisterVoice(Message):
    """Make a voice from 5–20 s of somebody's speech."""

    type: Literal["register_voice"] = "register_voice"
    voice_id: VoiceId
    """Its new name."""
    reference_audio: str
    """Base64 of an audio file."""
    consent: bool = False
    """That the speaker agreed."""
    replace: bool = False
    """Take the place of one's own voice of that name."""
    name: str | None = None
    """What lists show; null: the id."""
    language: str | None = None


class DeleteVoice(Message):
    """Forget a voice everywhere."""

    type: Literal["delete_voice"] = "delete_voice"
    voice_id: VoiceId


class ListVoices(Message):
    """Ask for the voices."""

    type: Literal["list_voices"] = "list_voices"


TtsClientMessage = Annotated[
    Synthesize
    | Text
    | Flush
    | End
    | Cancel
    | RegisterVoice
    | DeleteVoice
    | ListVoices
    | Ping
    | Pong,
    Field(discriminator="type"),
]
TTS_CLIENT: TypeAdapter[TtsClientMessage] = TypeAdapter(TtsClientMessage)


class VoiceMessage(Message):
    """A voice that can be asked for."""

    voice_id: str
    name: str
    """What lists show."""
    languages: tuple[str, ...] = ()
    """ISO 639-1."""
    cloned: bool = False
    """Whether a client registered it."""
    alias_of: str | None = None
    """The voice that this name stands for."""


class Ready(Message):
    """The first message: what speaks, and its limits."""

    type: Literal["ready"] = "ready"
    session_id: str
    engine: str
    """What speaks."""
    model: str
    """Name of the loaded model."""
    sample_rate: int
    """Hz that the engine makes; any other is resampled."""
    voices: tuple[str, ...]
    """Ids of all voices."""
    limits: Limits
    """What the service allows."""
    capabilities: tuple[str, ...] = ()
    """What the engine can do beyond speech, such as `clone`, `emotion` and `word_times`."""
    reason: str | None = None
    """Why this engine: a fallback names what was passed over, and what to set."""


class SpokenWord(Message):
    """When a word is spoken, in seconds from the request's first sample."""

    word: str
    """As it is written in the text."""
    start: float
    """Seconds."""
    end: float
    """Seconds."""


class AudioChunk(Message):
    """Announces the binary frame that follows."""

    type: Literal["audio_chunk"] = "audio_chunk"
    request_id: str | None = None
    chunk_id: int
    """Counts the request's chunks from 0."""
    duration_ms: float
    """Of its audio."""
    text_start: int | None = None
    """Offset in the request's text of the first character spoken in it."""
    text_end: int | None = None
    """Offset behind the last."""
    words: tuple[SpokenWord, ...] | None = None
    """Those that begin in it."""
    estimated: bool | None = None
    """Word times are spread by length, not told by the engine."""


class SynthesisComplete(Message):
    """All audio of the request was sent."""

    type: Literal["synthesis_complete"] = "synthesis_complete"
    request_id: str | None = None
    total_duration_ms: float
    """Of all its audio."""
    chunks_sent: int
    """How many there were."""
    first_chunk_ms: float | None = None
    """Time from the request's first speakable text to its first chunk."""


class Cancelled(Message):
    """The request is over; no audio of it follows."""

    type: Literal["cancelled"] = "cancelled"
    request_id: str
    chunks_sent: int
    """How many there were before it."""


class VoiceRegistered(Message):
    """The voice can be used."""

    type: Literal["voice_registered"] = "voice_registered"
    voice_id: str
    duration_s: float
    """Of the recording."""


class VoiceDeleted(Message):
    """The voice is gone."""

    type: Literal["voice_deleted"] = "voice_deleted"
    voice_id: str


class Voices(Message):
    """The answer to `list_voices`."""

    type: Literal["voices"] = "voices"
    voices: tuple[VoiceMessage, ...]
    """The engine's, and the client's own."""
    default: str
    """Id of the one that is taken when none is named."""


TtsServerMessage = Annotated[
    Ready
    | AudioChunk
    | SynthesisComplete
    | Cancelled
    | VoiceRegistered
    | VoiceDeleted
    | Voices
    | WarningMessage
    | ErrorMessage
    | Ping
    | Pong,
    Field(discriminator="type"),
]
TTS_SERVER: TypeAdapter[TtsServerMessage] = TypeAdapter(TtsServerMessage)
