"""What a conversation tells its client."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from shared.protocol.asr import Encoding
from shared.protocol.base import ErrorMessage, Message, Ping, Pong, WarningMessage
from shared.protocol.conversation.client import Answer, IceCandidate

State = Literal["idle", "listening", "thinking", "speaking", "interrupted", "error"]


class _Event(Message):
    seq: int | None = None
    """Counts the session's events; the client resumes after the last it saw."""


class SessionEvent(_Event):
    """The first message on a socket."""

    type: Literal["session"] = "session"
    session_id: str
    pipeline: Literal["direct", "llm"]
    """`direct` says back what it heard."""
    asr_engine: str | None = None
    """What listens; null: not known yet."""
    tts_engine: str | None = None
    """What speaks; null: not known yet."""
    durable: bool
    """Whether a resume survives a restart of the service."""
    resumed: bool = False
    """Whether events were replayed before this one."""
    expires_at: str
    """ISO 8601, UTC; each use moves it."""


class StateEvent(_Event):
    """What the assistant does now."""

    type: Literal["state"] = "state"
    value: State
    """docs/dialogue.md has the ways from one to another."""


class PartialEvent(_Event):
    """What the user says so far."""

    type: Literal["partial"] = "partial"
    text: str
    """The whole hypothesis."""
    stable: str = ""
    """Its beginning that will not change any more."""


class TranscriptEvent(_Event):
    """What the user said."""

    type: Literal["transcript"] = "transcript"
    text: str
    """The turn's words."""
    turn_id: str
    language: str | None = None
    confidence: float | None = None
    """Probability in [0, 1], a mean over the words."""


class ReplyDelta(_Event):
    """More of the reply's text."""

    type: Literal["reply.delta"] = "reply.delta"
    turn_id: str
    text: str
    """To be put behind what came before."""


class ReplyDone(_Event):
    """The reply is complete, or was cut."""

    type: Literal["reply.done"] = "reply.done"
    turn_id: str
    text: str
    """All of it, spoken or not."""
    heard_text: str | None = None
    """What the user heard of it, when it was interrupted."""
    interrupted: bool = False
    """Whether it was cut."""


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
    """Of all the turn's audio."""


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
    """`poor` is not sent yet."""
    reason: str
    """What changed, in words."""


class Ack(_Event):
    """A client message with this id was applied."""

    type: Literal["ack"] = "ack"
    id: str
    """The message's."""


class Filler(_Event):
    """A filler is being spoken."""

    type: Literal["filler"] = "filler"
    turn_id: str
    text: str
    """Its words; they are no part of the reply."""


class ToolCall(_Event):
    """A tool was called; if it is one of the client's own (`client_tools`), the client runs it."""

    type: Literal["tool.call"] = "tool.call"
    turn_id: str
    call_id: str
    name: str
    """The tool's."""
    arguments: dict[str, Any]
    """By parameter."""


class ToolProgress(_Event):
    """A streaming tool tells how far it is."""

    type: Literal["tool.progress"] = "tool.progress"
    turn_id: str
    call_id: str
    message: str
    """In the tool's words."""


class ToolResultEvent(_Event):
    """A tool has ended."""

    type: Literal["tool.result"] = "tool.result"
    turn_id: str
    call_id: str
    result: Any = None
    """What it gave."""
    error: str | None = None
    """Why it gave nothing."""


class Cost(Message):
    """What a turn cost, by the price table in the settings."""

    stt: float = 0.0
    """For the minutes heard."""
    llm: float = 0.0
    """For the tokens read and written."""
    tts: float = 0.0
    """For the characters spoken."""
    total: float = 0.0
    """The sum."""
    currency: str = "USD"
    """ISO 4217."""


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
    """Which model answered: the `small` one, the `large` one; null: there is but one."""
    cache: Literal["hit", "miss"] | None = None
    """Whether the semantic cache knew the answer; null: it was not asked."""
    fillers: int = 0
    """Phrases said while the user waited."""
    tokens_in: int | None = None
    """Tokens that the LLM read."""
    tokens_out: int | None = None
    """Tokens that it wrote."""
    characters: int | None = None
    """Characters sent to be spoken."""
    speculation: Literal["hit", "miss"] | None = None
    """Whether the reply begun at the pause was the one wanted; null: none was."""
    saved_ms: float | None = None
    """Milliseconds that the speculative start saved."""
    interrupted: bool = False
    """Whether the user cut it."""
    cost: Cost | None = None
    """Zero until the settings have prices."""


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
