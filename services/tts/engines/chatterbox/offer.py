"""Whether Chatterbox can run here, and the engine that the settings ask for.

Imports nothing heavy itself: every TTS service asks, also those without torch.
"""

from importlib.util import find_spec

from services.tts.config import TtsSettings
from services.tts.engines.base import Engine
from shared.scheduling.metrics import Observer

_NEEDED = ("torch", "torchaudio", "transformers", "chatterbox", "perth")


def lacking(settings: TtsSettings) -> str | None:
    """What stands in its way; a CPU alone does so where the engine was not asked for."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        return (
            f"no module {missing[0]}; install deploy/requirements/tts-chatterbox.txt "
            "(`make run-gpu` does)"
        )
    if settings.engine == "auto" and devices("auto") == ("cpu",):
        return "no CUDA device; TTS_ENGINE=chatterbox runs it on the CPU, slower than speech"
    return None


def devices(name: str) -> tuple[str, ...]:
    """The devices that a setting names: one engine thread each."""
    import torch  # noqa: PLC0415 - slow to import, and absent from most images

    kind, _, indices = name.partition(":")
    if indices:
        return tuple(f"{kind}:{index}" for index in indices.split(","))
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
    return (f"{kind}:0",) if kind == "cuda" else (kind,)


def engine(settings: TtsSettings, observer: Observer, reason: str) -> Engine:
    """The engine, not started."""
    from services.tts.engines.chatterbox.engine import (  # noqa: PLC0415 - loads torch
        ChatterboxEngine,
        Options,
    )
    from services.tts.engines.chatterbox.variants import Variant  # noqa: PLC0415

    options = Options(
        variant=Variant(settings.model),
        folder=settings.model_dir,
        devices=devices(settings.device),
        requests=settings.batch,
        voices=settings.voice_cache,
        threads=settings.threads,
        reason=reason,
        warm=True,
    )
    return ChatterboxEngine(options, observer=observer)
