"""Settings of the TTS service. Names, defaults and limits; see docs/configuration.md."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from shared.config import CommaList, Settings, WebUrl
from shared.sealing import sealer

OPENAI_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15")
"""OpenAI's names of speech models, which every engine answers to."""
OPENAI_VOICES = (
    "alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer",
    "verse", "marin", "cedar",
)  # fmt: skip
"""OpenAI's names of voices, which every engine answers to."""

_CACHE = Path("~/.cache/parley/kokoro")

ENGINES = Literal["auto", "espeak", "kokoro", "chatterbox", "openai", "elevenlabs"]


def _pairs(value: object) -> object:
    """`a=b,c=d` as a mapping."""
    if not isinstance(value, str):
        return value
    pairs = [part.strip() for part in value.split(",") if part.strip()]
    if any("=" not in pair for pair in pairs):
        raise ValueError("give name=voice pairs, separated by commas")
    return {name.strip(): voice.strip() for name, _, voice in (p.partition("=") for p in pairs)}


Aliases = Annotated[dict[str, str], NoDecode, BeforeValidator(_pairs)]


class TtsSettings(Settings):
    """The TTS service's own."""

    prefix: ClassVar[str] = "TTS_"
    foreign: ClassVar[tuple[str, ...]] = ("TTS_URL",)
    renamed: ClassVar[Mapping[str, str]] = {"TTS_REMOTE_": "TTS_UPSTREAM_"}

    port: int = Field(8002, ge=0, le=65535, alias="TTS_PORT")
    """Port to listen on; 0: a free one."""
    engine: ENGINES = Field("auto", alias="TTS_ENGINE")
    """Which engine speaks; `auto` takes the best that this machine can run."""
    threads: int = Field(0, ge=0, le=256, alias="TTS_THREADS")
    """Threads that `kokoro` and Chatterbox compute on; 0: half of the cores, torch's own choice."""
    kokoro_model: Path = Field(_CACHE / "kokoro-v1.0.onnx", alias="TTS_KOKORO_MODEL")
    """File of Kokoro's model; downloaded to there when it is missing."""
    kokoro_voices: Path = Field(_CACHE / "voices-v1.0.bin", alias="TTS_KOKORO_VOICES")
    """File of Kokoro's voices; likewise."""
    kokoro_url: str = Field(
        "https://github.com/thewh1teagle/kokoro-onnx/releases/download/model-files-v1.0",
        alias="TTS_KOKORO_URL",
    )
    """Where Kokoro's files come from; `off`: they are not downloaded."""
    upstream_url: WebUrl | None = Field(None, alias="TTS_UPSTREAM_URL")
    """Server of the engines `openai` (`https://api.openai.com/v1` by default) and `elevenlabs`
    (`https://api.elevenlabs.io`)."""
    upstream_key: SecretStr = Field(SecretStr(""), alias="TTS_UPSTREAM_KEY")
    """Our key there."""
    upstream_model: str = Field("", alias="TTS_UPSTREAM_MODEL")
    """Model asked for there; by default `gpt-4o-mini-tts` or `eleven_flash_v2_5`."""
    upstream_voices: CommaList = Field((), alias="TTS_UPSTREAM_VOICES")
    """Voices offered from there, the default one first; by default OpenAI's, or all."""
    upstream_connections: int = Field(10, ge=1, le=30, alias="TTS_UPSTREAM_CONNECTIONS")
    """Calls to that server at once."""
    upstream_timeout_s: float = Field(30.0, gt=0, le=600, alias="TTS_UPSTREAM_TIMEOUT_S")
    """Longest silence of that server, in seconds."""
    voice_dir: Path = Field(Path("~/.local/share/parley/voices"), alias="TTS_VOICE_DIR")
    """Folder of the voices that clients register."""
    voice_key: SecretStr | None = Field(None, alias="TTS_VOICE_KEY")
    """Key that registered voices are encrypted with, 32 bytes in base64
    (`openssl rand -base64 32`); unset: they are not encrypted."""
    voice_cache: int = Field(64, ge=1, le=10_000, alias="TTS_VOICE_CACHE")
    """Registered voices kept in memory, and on the engine's device."""
    require_consent: bool = Field(True, alias="TTS_REQUIRE_CONSENT")
    """Whether a voice is registered only with `consent: true`."""
    max_connections: int = Field(30, ge=1, le=30, alias="TTS_MAX_CONNECTIONS")
    """Places; the engine's own capacity may be lower."""
    max_text_chars: int = Field(20_000, ge=100, le=1_000_000, alias="TTS_MAX_TEXT_CHARS")
    """Longest text of one request, in characters."""
    max_open_requests: int = Field(16, ge=1, le=256, alias="TTS_MAX_OPEN_REQUESTS")
    """Requests that one connection may have open at once."""
    unsent_s: float = Field(4.0, ge=0.5, le=60, alias="TTS_UNSENT_S")
    """Most unsent audio of one connection, in seconds; its requests wait at this line."""
    queue_timeout_s: float = Field(30.0, gt=0, le=600, alias="TTS_QUEUE_TIMEOUT_S")
    """Longest time that a clause may wait for the engine, in seconds."""
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+(,\d+)*)?)$", alias="TTS_DEVICE")
    """Where Chatterbox runs: `auto`, `cpu`, `cuda`, or `cuda:0,1` for one copy on each GPU."""
    model: Literal["turbo", "english", "multilingual"] = Field("turbo", alias="TTS_MODEL")
    """Which Chatterbox: `turbo` (fastest), `english` (emotion), `multilingual` (23 languages)."""
    model_dir: Path | None = Field(None, alias="TTS_MODEL_DIR")
    """Folder with Chatterbox's weights; unset: the Hugging Face hub and its cache."""
    batch: int = Field(0, ge=0, le=256, alias="TTS_BATCH")
    """Requests that Chatterbox speaks at once on each device; 0: 32 on a GPU, 4 on a CPU."""
    voice_aliases: Aliases = Field(default_factory=dict, alias="TTS_VOICE_ALIASES")
    """More names for voices, e.g. `nova=annie,onyx=en-gb`."""

    @field_validator("voice_key")
    @classmethod
    def _fits(cls, key: SecretStr | None) -> SecretStr | None:
        sealer(key)
        return key
