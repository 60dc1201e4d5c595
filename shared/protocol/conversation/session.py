"""What opens a session over HTTP."""

from typing import Literal

from pydantic import Field

from shared.protocol.asr import Environment, VadOverrides
from shared.protocol.base import Message


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
