"""What opens a session over HTTP."""

from typing import Any, Literal

from pydantic import Field, field_validator

from shared.protocol.asr import Environment, VadOverrides
from shared.protocol.base import Message


class ClientTool(Message):
    """A tool that the client runs: a `tool.call` of its name is answered by `tool_result`."""

    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    """Letters, digits, `_` and `-`."""
    description: str = Field(min_length=1, max_length=4096)
    """When the model should call it, and what it gives."""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    """JSON schema of the arguments, an object; without: it takes none."""
    wait: bool = True
    """Whether the reply waits for the result; else it is told when nobody speaks."""
    timeout_s: float = Field(default=30.0, gt=0, le=600)
    """Longest wait for the result, in seconds."""
    phrase: str | None = Field(default=None, max_length=500)
    """Said when the result takes longer than 0.7 s."""

    @field_validator("parameters")
    @classmethod
    def _is_an_object(cls, schema: dict[str, Any]) -> dict[str, Any]:
        if schema.get("type") != "object":
            raise ValueError("give a JSON schema of the type `object`")
        return schema


class CreateSession(Message):
    """Body of ``POST /v2/sessions``; every field has a default."""

    pipeline: Literal["direct", "llm"] | None = None
    """`direct` says back what it heard; the default is `llm` when one is configured."""
    system_prompt: str | None = Field(default=None, max_length=32_000)
    """Instead of the settings' `LLM_SYSTEM_PROMPT`."""
    voice_id: str | None = None
    language: str | None = None
    environment: Environment = Environment.MODERATE
    vad: VadOverrides = VadOverrides()
    """Values that replace those of the environment's preset."""
    tools: tuple[str, ...] | None = None
    """Names from the tool registry; null: all that are configured."""
    client_tools: tuple[ClientTool, ...] = Field(default=(), max_length=64)
    """Tools that the client runs itself; needs a language model."""
    sensitivity: float = Field(default=0.6, ge=0.1, le=1)
    """How readily speech over a reply interrupts it."""
    fillers: bool | None = None
    """Bridge a late reply with a short phrase; null: as the settings say."""
    transcript_log: bool = False
    """Keep both sides' transcripts with the session."""
    metadata: dict[str, str] = Field(default_factory=dict)
    """Kept with the session and given back, never looked at."""


class SessionCreated(Message):
    """Answer to ``POST /v2/sessions``."""

    session_id: str
    resume_token: str
    """A secret: who has it may take the session over."""
    ws_url: str
    """Where to talk in it."""
    expires_at: str
    """ISO 8601, UTC."""
