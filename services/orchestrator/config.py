"""Settings of the conversation service."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from shared.config import CommaList, Settings, WebUrl
from shared.sealing import sealer


@dataclass(frozen=True, slots=True)
class Prices:
    """What services cost, in US dollars; zero for what runs on one's own machine."""

    stt_per_minute: float = 0.0
    llm_input_per_million: float = 0.0
    llm_output_per_million: float = 0.0
    tts_per_million_chars: float = 0.0


_PROMPT = (
    "You are a helpful voice assistant. Your words are spoken aloud: answer in one to three"
    " short sentences, in the user's language, without lists, Markdown or emoji."
)


class OrchestratorSettings(Settings):
    """Everything that ``python -m services.orchestrator`` reads from the environment."""

    prefix: ClassVar[str] = "ORCHESTRATOR_"
    common_prefixes: ClassVar[tuple[str, ...]] = ("LLM_", "EMBEDDINGS_", "PRICE_")

    port: int = Field(8000, ge=1, le=65_535, alias="ORCHESTRATOR_PORT")
    """Port to listen on."""
    max_sessions: int = Field(30, ge=1, alias="ORCHESTRATOR_MAX_SESSIONS")
    """Conversations at a time; each takes a place at ASR and at TTS."""
    session_ttl_s: float = Field(3600.0, gt=0, alias="ORCHESTRATOR_SESSION_TTL_S")
    """How long a session is kept after its last use, in seconds."""
    max_stored: int = Field(10_000, ge=1, alias="ORCHESTRATOR_MAX_STORED")
    """Sessions kept, connected or not."""
    session_key: SecretStr | None = Field(None, alias="SESSION_KEY")
    """32 bytes in base64 that encrypt sessions in Redis; unset: they are stored as they are."""
    asr_url: WebUrl = Field("http://127.0.0.1:8001", alias="ASR_URL")
    """The ASR service."""
    tts_url: WebUrl = Field("http://127.0.0.1:8002", alias="TTS_URL")
    """The TTS service."""
    service_key: SecretStr | None = Field(None, alias="ORCHESTRATOR_SERVICE_KEY")
    """Key for ASR and TTS; unset: the first of `API_KEYS`."""

    voice_id: str = Field("default", alias="ORCHESTRATOR_VOICE")
    """Voice of sessions that name none."""
    ahead_ms: int = Field(1500, ge=200, le=10_000, alias="ORCHESTRATOR_AHEAD_MS")
    """Audio that may lie unplayed at a client that can take it back, in milliseconds."""
    speculate: bool = Field(True, alias="ORCHESTRATOR_SPECULATE")
    """Start the LLM at a pause, before the turn is certain."""
    fillers: bool = Field(True, alias="ORCHESTRATOR_FILLERS")
    """Bridge a late reply with a short phrase (with an LLM only)."""
    filler_after_ms: int = Field(700, ge=100, alias="ORCHESTRATOR_FILLER_AFTER_MS")
    """Silence after which a filler is spoken, in milliseconds."""
    echo_guard: bool = Field(True, alias="ORCHESTRATOR_ECHO_GUARD")
    """Tell the assistant's own voice in the microphone from the user's."""

    llm_base_url: WebUrl | None = Field(None, alias="LLM_BASE_URL")
    """OpenAI-compatible server, e.g. `http://localhost:11434/v1`; unset: the direct pipeline."""
    llm_api_key: SecretStr | None = Field(None, alias="LLM_API_KEY")
    """Its key."""
    llm_model: str = Field("default", alias="LLM_MODEL")
    """Model for everything, or for what the small one should not answer."""
    llm_small_model: str | None = Field(None, alias="LLM_SMALL_MODEL")
    """Model for greetings and simple requests; unset: no routing."""
    llm_max_tokens: int = Field(400, ge=16, alias="LLM_MAX_TOKENS")
    """Longest reply."""
    llm_temperature: float | None = Field(None, ge=0, le=2, alias="LLM_TEMPERATURE")
    """Unset: the server's own."""
    llm_first_token_timeout_s: float = Field(10.0, gt=0, alias="LLM_FIRST_TOKEN_TIMEOUT_S")
    """Longest wait for the first token, retries included, in seconds."""
    llm_token_timeout_s: float = Field(5.0, gt=0, alias="LLM_TOKEN_TIMEOUT_S")
    """Longest wait between two tokens, in seconds."""
    llm_retries: int = Field(2, ge=0, le=10, alias="LLM_RETRIES")
    """New tries before the first token; none after it."""
    llm_history_tokens: int = Field(4000, ge=200, alias="LLM_HISTORY_TOKENS")
    """Budget of a request's messages; the oldest turns are left out beyond it."""
    llm_system_prompt: str = Field(_PROMPT, alias="LLM_SYSTEM_PROMPT")
    """System prompt of sessions that bring none."""
    llm_usage: bool = Field(True, alias="LLM_USAGE")
    """Ask for token counts (`stream_options`); turn off for servers that refuse it."""

    tools: CommaList = Field((), alias="ORCHESTRATOR_TOOLS")
    """Tool sets: `flights` (the example), or `package.module:registry` of your own."""
    flights_db: str = Field(":memory:", alias="ORCHESTRATOR_FLIGHTS_DB")
    """SQLite file of the example set."""
    mcp: str | None = Field(None, alias="ORCHESTRATOR_MCP")
    """JSON file that names MCP servers (`mcpServers`); their tools join the others."""

    embeddings_base_url: WebUrl | None = Field(None, alias="EMBEDDINGS_BASE_URL")
    """OpenAI-compatible `/v1/embeddings` for the semantic cache; unset: same words only."""
    embeddings_model: str = Field("default", alias="EMBEDDINGS_MODEL")
    """Its model."""
    semantic_cache: Literal["off", "on"] = Field("off", alias="ORCHESTRATOR_CACHE")
    """Keep answers and their audio in Redis for the same first question."""
    cache_ttl_s: int = Field(86_400, ge=1, alias="ORCHESTRATOR_CACHE_TTL_S")
    """How long an answer is kept, in seconds."""
    cache_entries: int = Field(1000, ge=1, alias="ORCHESTRATOR_CACHE_ENTRIES")
    """Answers kept; the least recently used go first."""
    cache_similarity: float = Field(0.95, gt=0, le=1, alias="ORCHESTRATOR_CACHE_SIMILARITY")
    """Cosine similarity from which two questions count as the same."""

    price_stt_per_minute: float = Field(0.0, ge=0, alias="PRICE_STT_PER_MINUTE")
    """US dollars; Groq's Whisper: 0.0043."""
    price_llm_input: float = Field(0.0, ge=0, alias="PRICE_LLM_INPUT_PER_MILLION")
    """US dollars a million tokens read; Groq's Llama 3 70B: 0.60."""
    price_llm_output: float = Field(0.0, ge=0, alias="PRICE_LLM_OUTPUT_PER_MILLION")
    """US dollars a million tokens written; Groq's Llama 3 70B: 0.60."""
    price_tts: float = Field(0.0, ge=0, alias="PRICE_TTS_PER_MILLION_CHARS")
    """US dollars a million characters; a cloud voice: 15.00."""

    @field_validator("session_key")
    @classmethod
    def _is_a_key(cls, key: SecretStr | None) -> SecretStr | None:
        sealer(key)
        return key

    @property
    def prices(self) -> Prices:
        """The price table."""
        return Prices(
            stt_per_minute=self.price_stt_per_minute,
            llm_input_per_million=self.price_llm_input,
            llm_output_per_million=self.price_llm_output,
            tts_per_million_chars=self.price_tts,
        )
