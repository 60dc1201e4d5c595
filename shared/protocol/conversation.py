"""Native conversation messages, ``:8000``.

On ``WS /ws/v2/{session_id}`` binary frames carry the microphone's PCM in (s16le, 16 kHz
unless ``config`` says otherwise) and speech PCM out (s16le, 24 kHz).
"""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from shared.protocol.asr import Encoding, Environment, VadOverrides
from shared.protocol.base import ErrorMessage, Message, Ping, Pong, WarningMessage

State = Literal["idle", "listening", "thinking", "speaking", "interrupted", "error"]
ClientId = Annotated[str, Field(min_length=1, max_length=128)] | None


class CreateSession(Message):
    """Body of ``POST /v2/sessions``; every field has a default."""

    pipeline: Literal["direct", "llm"] | None = None
    """`direct` says back what it heard; the default is `llm` when one is configured."""
    system_prompt: str | None = Field(default=None, max_length=32_000)
    voice_id: str | None = None
    language: str | None = None
    environment: Environment = Environment.MODERATE
    vad: VadOverrides = VadOverrides()
    tools: tuple[str, ...] | None = None
    """Names from the tool registry; null: all that are configured."""
    sensitivity: float = Field(default=0.6, ge=0.1, le=1)
    """How readily speech over a reply interrupts it."""
    fillers: bool | None = None
    transcript_log: bool = False
    """Keep both sides' transcripts with the session."""
    metadata: dict[str, str] = Field(default_factory=dict)


class SessionCreated(Message):
    """Answer to ``POST /v2/sessions``."""

    session_id: str
    resume_token: str
    ws_url: str
    expires_at: str
    """ISO 8601, UTC."""


class _Identified(Message):
    id: ClientId = None
    """Answered with `ack`; a repeated id is ignored."""


class Config(_Identified):
    """Changes the session's settings; audio format before the first audio only."""

    type: Literal["config"] = "config"
    sample_rate: int | None = Field(default=None, ge=8_000, le=48_000)
    encoding: Encoding | None = None
    channels: Literal[1, 2] | None = None
    language: str | None = None
    voice_id: str | None = None
    environment: Environment | None = None
    vad: VadOverrides | None = None
    system_prompt: str | None = Field(default=None, max_length=32_000)
    sensitivity: float | None = Field(default=None, ge=0.1, le=1)


class Text(_Identified):
    """A typed user turn."""

    type: Literal["text"] = "text"
    text: str = Field(min_length=1, max_length=32_000)


class Interrupt(_Identified):
    """The user wants the reply to stop now."""

    type: Literal["interrupt"] = "interrupt"


class Playback(_Identified):
    """How much of a turn's audio the user has heard so far."""

    type: Literal["playback"] = "playback"
    turn_id: str
    played_ms: float = Field(ge=0)


class Offer(_Identified):
    """WebRTC signalling: the client's session description."""

    type: Literal["offer"] = "offer"
    sdp: str | None = None
    data: dict[str, Any] | None = None
    """The seed's form: ``{"sdp": …}``."""


class Answer(_Identified):
    """WebRTC signalling, either way."""

    type: Literal["answer"] = "answer"
    sdp: str | None = None
    data: dict[str, Any] | None = None


class IceCandidate(_Identified):
    """WebRTC signalling, either way; null: no more candidates."""

    type: Literal["ice-candidate"] = "ice-candidate"
    candidate: str | None = None
    sdpMid: str | None = None  # noqa: N815 - the wire's name
    sdpMLineIndex: int | None = None  # noqa: N815 - the wire's name
    data: dict[str, Any] | None = None


class ToolResult(_Identified):
    """The result of a tool that runs at the client."""

    type: Literal["tool_result"] = "tool_result"
    call_id: str
    result: Any = None
    error: str | None = None


class Silence(_Identified):
    """The client withholds silence."""

    type: Literal["silence"] = "silence"
    ms: int = Field(gt=0, le=60_000)


class Bye(_Identified):
    """The client leaves; the session is kept until it expires."""

    type: Literal["bye"] = "bye"


class Resume(_Identified):
    """First message on a new socket of a session that lost its line."""

    type: Literal["resume"] = "resume"
    token: str
    last_seq: int = Field(ge=0)


ConversationClientMessage = Annotated[
    Config
    | Text
    | Interrupt
    | Playback
    | Offer
    | Answer
    | IceCandidate
    | ToolResult
    | Silence
    | Bye
    | Resume
    | Ping
    | Pong,
    Field(discriminator="type"),
]
CONVERSATION_CLIENT: TypeAdapter[ConversationClientMessage] = TypeAdapter(ConversationClientMessage)


class _Event(Message):
    seq: int | None = None
    """Counts the session's events; the client resumes after the last it saw."""


class SessionEvent(_Event):
    """The first message on a socket."""

    type: Literal["session"] = "session"
    session_id: str
    pipeline: Literal["direct", "llm"]
    asr_engine: str | None = None
    tts_engine: str | None = None
    durable: bool
    """Whether a resume survives a restart of the service."""
    resumed: bool = False
    expires_at: str


class StateEvent(_Event):
    """What the assistant does now."""

    type: Literal["state"] = "state"
    value: State


class PartialEvent(_Event):
    """What the user says so far."""

    type: Literal["partial"] = "partial"
    text: str
    stable: str = ""


class TranscriptEvent(_Event):
    """What the user said."""

    type: Literal["transcript"] = "transcript"
    text: str
    turn_id: str
    language: str | None = None
    confidence: float | None = None


class ReplyDelta(_Event):
    """More of the reply's text."""

    type: Literal["reply.delta"] = "reply.delta"
    turn_id: str
    text: str


class ReplyDone(_Event):
    """The reply is complete, or was cut."""

    type: Literal["reply.done"] = "reply.done"
    turn_id: str
    text: str
    heard_text: str | None = None
    """What the user heard of it, when it was interrupted."""
    interrupted: bool = False


class AudioStart(_Event):
    """Audio of this turn follows in binary frames."""

    type: Literal["audio.start"] = "audio.start"
    turn_id: str
    encoding: Encoding = "s16le"
    sample_rate: int = 24_000


class AudioEnd(_Event):
    """All audio of the turn was sent."""

    type: Literal["audio.end"] = "audio.end"
    turn_id: str
    duration_ms: float


class AudioDuck(_Event):
    """Somebody may be interrupting: lower or hold playback."""

    type: Literal["audio.duck"] = "audio.duck"
    turn_id: str


class AudioResume(_Event):
    """It was nothing: go on."""

    type: Literal["audio.resume"] = "audio.resume"
    turn_id: str


class AudioClear(_Event):
    """Throw away what is buffered."""

    type: Literal["audio.clear"] = "audio.clear"
    turn_id: str


class Quality(_Event):
    """The line or a part of the stack got worse or better."""

    type: Literal["quality"] = "quality"
    level: Literal["good", "degraded", "poor"]
    reason: str


class Ack(_Event):
    """A client message with this id was applied."""

    type: Literal["ack"] = "ack"
    id: str


class Filler(_Event):
    """A filler is being spoken."""

    type: Literal["filler"] = "filler"
    turn_id: str
    text: str


class ToolCall(_Event):
    """A tool was called."""

    type: Literal["tool.call"] = "tool.call"
    turn_id: str
    call_id: str
    name: str
    arguments: dict[str, Any]


class ToolProgress(_Event):
    """A streaming tool tells how far it is."""

    type: Literal["tool.progress"] = "tool.progress"
    turn_id: str
    call_id: str
    message: str


class ToolResultEvent(_Event):
    """A tool has ended."""

    type: Literal["tool.result"] = "tool.result"
    turn_id: str
    call_id: str
    result: Any = None
    error: str | None = None


class Cost(Message):
    """What a turn cost, by the price table in the settings."""

    stt: float = 0.0
    llm: float = 0.0
    tts: float = 0.0
    total: float = 0.0
    currency: str = "USD"


class TurnMetrics(_Event):
    """The stages of one turn in milliseconds; null: the stage did not happen."""

    type: Literal["metrics"] = "metrics"
    turn_id: str
    stt_ms: float | None = None
    """End of speech to text."""
    llm_ttft_ms: float | None = None
    """Text to the LLM's first token."""
    tts_first_chunk_ms: float | None = None
    """First clause to its first audio."""
    e2e_ms: float | None = None
    """End of speech to first audio sent."""
    audio_ms: float | None = None
    """Length of the reply's audio."""
    synthesis_ms: float | None = None
    """First clause to the reply's last audio."""
    tier: str | None = None
    cache: Literal["hit", "miss"] | None = None
    fillers: int = 0
    tokens_in: int | None = None
    tokens_out: int | None = None
    characters: int | None = None
    speculation: Literal["hit", "miss"] | None = None
    saved_ms: float | None = None
    """Milliseconds that the speculative start saved."""
    interrupted: bool = False
    cost: Cost | None = None


class EventError(_Event, ErrorMessage):
    """An error inside the session."""


class EventWarning(_Event, WarningMessage):
    """A counted degradation inside the session."""


ConversationServerMessage = Annotated[
    SessionEvent
    | StateEvent
    | PartialEvent
    | TranscriptEvent
    | ReplyDelta
    | ReplyDone
    | AudioStart
    | AudioEnd
    | AudioDuck
    | AudioResume
    | AudioClear
    | Quality
    | Ack
    | Filler
    | ToolCall
    | ToolProgress
    | ToolResultEvent
    | TurnMetrics
    | Answer
    | IceCandidate
    | EventWarning
    | EventError
    | Ping
    | Pong,
    Field(discriminator="type"),
]
CONVERSATION_SERVER: TypeAdapter[ConversationServerMessage] = TypeAdapter(ConversationServerMessage)
