"""How the registry makes a Whisper."""

from services.asr.config import AsrSettings
from services.asr.engines.whisper.engine import WhisperEngine, WhisperSettings
from services.asr.metrics import AsrMetrics
from shared.scheduling.metrics import SchedulingMetrics


def load(settings: AsrSettings, metrics: AsrMetrics, *, reason: str) -> WhisperEngine:
    """Make it; ``start`` finds the weights."""
    chosen = WhisperSettings(
        model=settings.model,
        device=settings.device,
        compute_type=settings.compute_type,
        threads=settings.threads,
        beam=settings.beam_size,
        max_batch=settings.max_batch,
        ladder=settings.model_ladder,
        short_windows=settings.short_windows,
        short_finals=settings.short_finals,
        capacity=settings.capacity,
        step_timeout_s=settings.step_timeout_s,
    )
    return WhisperEngine(chosen, observer=SchedulingMetrics(metrics), reason=reason)
