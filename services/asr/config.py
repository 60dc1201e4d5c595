"""Settings of the ASR service, ``ASR_*`` in the environment."""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from shared.config import CommaList, Settings, WebUrl

Seconds = Annotated[
    tuple[float, ...],
    NoDecode,
    BeforeValidator(lambda value: value.split(",") if isinstance(value, str) else value),
]
"""Lengths given as ``4,8`` in the environment."""


class AsrSettings(Settings):
    """What the ASR service goes by."""

    prefix: ClassVar[str] = "ASR_"
    foreign: ClassVar[tuple[str, ...]] = ("ASR_URL",)

    port: int = Field(8001, ge=0, le=65535, alias="ASR_PORT")
    """Port to listen on; 0: a free one."""
    engine: Literal["auto", "whisper", "sphinx", "openai", "deepgram"] = Field(
        "auto", alias="ASR_ENGINE"
    )
    """What recognises speech; `auto` takes the best that can be loaded here."""
    max_connections: int = Field(30, ge=1, le=1000, alias="ASR_MAX_CONNECTIONS")
    """Places for live streams and running requests; fewer where the engine carries fewer."""
    max_turn_s: float = Field(600.0, gt=0, le=3600, alias="ASR_MAX_TURN_S")
    """Longest turn in seconds; a longer one is ended."""
    final_timeout_s: float = Field(30.0, gt=0, alias="ASR_FINAL_TIMEOUT_S")
    """Longest wait for the engine's text, in seconds; then what is known is sent."""
    smart_turn: str = Field("auto", alias="ASR_SMART_TURN")
    """The turn model's file; `auto` looks into the pipecat-ai package and the hub's cache, `off`
    leaves it to silence."""
    smart_turn_threads: int = Field(1, ge=1, le=64, alias="ASR_SMART_TURN_THREADS")
    """Turns judged at the same time, one core each."""
    smart_turn_deadline_ms: int = Field(300, ge=10, le=5000, alias="ASR_SMART_TURN_DEADLINE_MS")
    """Longest time for a judgement; then it is skipped and silence decides."""
    sphinx_decoders: int = Field(0, ge=0, le=1000, alias="ASR_SPHINX_DECODERS")
    """Turns that PocketSphinx follows at the same time, 91 MB each as they are needed, and one
    ahead; 0: four a core."""
    sphinx_threads: int = Field(0, ge=0, le=64, alias="ASR_SPHINX_THREADS")
    """Threads that PocketSphinx decodes on; 0: one a core."""
    model: str = Field("auto", alias="ASR_MODEL")
    """Whisper's weights: a folder, a size such as `large-v3`, or a repository of the hub; for
    `openai` and `deepgram` the model's name there. `auto`: large-v3 on CUDA, base on CPU."""
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+(,\d+)*)?)$", alias="ASR_DEVICE")
    """`auto`, `cpu`, `cuda`, or `cuda:0,1` for a copy of the weights on each of several GPUs."""
    compute_type: Literal[
        "auto", "float32", "float16", "bfloat16", "int8", "int8_float16", "int8_bfloat16"
    ] = Field("auto", alias="ASR_COMPUTE_TYPE")
    """Numbers that Whisper computes in; `auto`: float16 on CUDA, int8 on CPU."""
    threads: int = Field(0, ge=0, le=256, alias="ASR_THREADS")
    """CPU threads of one Whisper step; 0: CTranslate2 decides."""
    beam_size: int = Field(0, ge=0, le=20, alias="ASR_BEAM_SIZE")
    """Whisper's beam for finals and files; 0: 5 on CUDA, 1 on CPU. Partials are greedy."""
    max_batch: int = Field(0, ge=0, le=256, alias="ASR_MAX_BATCH")
    """Windows in one Whisper step; 0: 16 on CUDA, 1 on CPU (docs/benchmarks.md says why)."""
    model_ladder: CommaList = Field(
        ("large-v3-turbo", "small", "base", "tiny"), alias="ASR_MODEL_LADDER"
    )
    """Smaller models to go on with, in this order, when memory is full; only those on disk."""
    short_windows: Seconds = Field((), alias="ASR_SHORT_WINDOWS")
    """Ascending lengths in seconds, under 30, at which Whisper's partials are encoded instead
    of 30 s; right only for weights trained on windows of such lengths (docs/engines.md)."""
    short_finals: bool = Field(False, alias="ASR_SHORT_FINALS")
    """Encode finals and windows of files at the lengths of `ASR_SHORT_WINDOWS`, too."""
    capacity: int = Field(0, ge=0, le=1000, alias="ASR_CAPACITY")
    """Live streams that Whisper is trusted with; 0: from the time of one window at the start,
    which a busy machine makes too small."""
    step_timeout_s: float = Field(30.0, gt=0, le=600, alias="ASR_STEP_TIMEOUT_S")
    """Longest time of one Whisper step, in seconds; then its requests fail."""
    upstream_url: WebUrl | None = Field(None, alias="ASR_UPSTREAM_URL")
    """Server of the engines `openai` and `deepgram`; empty: OpenAI's or Deepgram's own."""
    upstream_key: SecretStr = Field(SecretStr(""), alias="ASR_UPSTREAM_KEY")
    """Key for that server."""
    upstream_timeout_s: float = Field(30.0, gt=0, le=600, alias="ASR_UPSTREAM_TIMEOUT_S")
    """Longest wait for that server's answer, in seconds."""
    max_upload_mb: float = Field(100.0, gt=0, le=10_000, alias="ASR_MAX_UPLOAD_MB")
    """Largest uploaded file, in million bytes."""
    max_duration_s: float = Field(14_400.0, gt=0, alias="ASR_MAX_DURATION")
    """Longest sound of one file, in seconds."""
    max_jobs: int = Field(32, ge=1, le=10_000, alias="ASR_MAX_JOBS")
    """Jobs of `POST /v1/jobs` that may be unfinished at once."""
    job_ttl_s: float = Field(3600.0, gt=0, alias="ASR_JOB_TTL_S")
    """Time for which a finished job can be asked for, in seconds."""
