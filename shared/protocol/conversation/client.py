"""What the client of a conversation says."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from shared.protocol.asr import Encoding, Environment, VadOverrides
from shared.protocol.base import Message, Ping, Pong

ClientId = Annotated[str, Field(min_length=1, max_length=128)] | None


class _Identified(Message):
    id: ClientId = None
    """Answered with `ack`; a repeated id is ignored."""


class Config(_Identified):
    """Changes the session's settings; audio format before the first audio only."""

    type: Literal["config"] = "config"
    sample_rate: int | None = Field(default=None, ge=8_000, le=48_000)
    encoding: Encoding | None = None
    channels: Literal[1, 2] | None = None
    """Of two the mean is heard."""
    language: str | None = None
    voice_id: str | None = None
    environment: Environment | None = None
    vad: VadOverrides | None = None
    """Values that replace those of the environment's preset."""
    system_prompt: str | None = Field(default=None, max_length=32_000)
    """From the next reply on."""
    sensitivity: float | None = Field(default=None, ge=0.1, le=1)
    """How readily speech over a reply interrupts it."""


class Text(_Identified):
    """A typed user turn."""

    type: Literal["text"] = "text"
    text: str = Field(min_length=1, max_length=32_000)
    """What the user wrote."""


class Interrupt(_Identified):
    """The user wants the reply to stop now."""

    type: Literal["interrupt"] = "interrupt"


class Playback(_Identified):
    """How much of a turn's audio the user has heard so far."""

    type: Literal["playback"] = "playback"
    turn_id: str
    played_ms: float = Field(ge=0)
    """From the turn's first sample."""


class Offer(_Identified):
    """WebRTC signalling, reserved: answered with `unsupported_option`."""

    type: Literal["offer"] = "offer"
    sdp: str | None = None
    """The description."""
    data: dict[str, Any] | None = None
    """The older form: `{"sdp": …}`."""


class Answer(_Identified):
    """WebRTC signalling, reserved: answered with `unsupported_option`, and never sent."""

    type: Literal["answer"] = "answer"
    sdp: str | None = None
    """The description."""
    data: dict[str, Any] | None = None
    """The older form: `{"sdp": …}`."""


class IceCandidate(_Identified):
    """WebRTC signalling, reserved like `answer`; a null candidate: no more come."""

    type: Literal["ice-candidate"] = "ice-candidate"
    candidate: str | None = None
    """In SDP's form."""
    sdpMid: str | None = None  # noqa: N815 - the wire's name
    """Of the media section that it belongs to."""
    sdpMLineIndex: int | None = None  # noqa: N815 - the wire's name
    """Index of that section."""
    data: dict[str, Any] | None = None
    """The older form: the fields above, in one object."""


class ToolResult(_Identified):
    """The result of a tool that the client runs (`client_tools`), after its `tool.call`."""

    type: Literal["tool_result"] = "tool_result"
    call_id: str
    result: Any = None
    """What it gave."""
    error: str | None = None
    """Why it gave nothing."""


class Silence(_Identified):
    """The client withholds silence."""

    type: Literal["silence"] = "silence"
    ms: int = Field(gt=0, le=60_000)
    """Its length."""


class Bye(_Identified):
    """The client leaves; the session is kept until it expires."""

    type: Literal["bye"] = "bye"


class Resume(_Identified):
    """First message on a new socket of a session that lost its line."""

    type: Literal["resume"] = "resume"
    token: str
    """`resume_token` of the session."""
    last_seq: int = Field(ge=0)
    """`seq` of the last event that was seen."""


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
