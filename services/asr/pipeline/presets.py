"""How readily turns begin and end: one row for each place a speaker may be in."""

from dataclasses import dataclass
from types import MappingProxyType

from services.asr.engines.base import SAMPLE_RATE
from shared.protocol.asr import Config, Environment, Sensitivity, VadOverrides

_THRESHOLDS: dict[Sensitivity, float] = {"low": 0.65, "medium": 0.5, "high": 0.35}
_HYSTERESIS: dict[Sensitivity, float] = {"low": 0.15, "medium": 0.15, "high": 0.05}


@dataclass(frozen=True, slots=True)
class Preset:
    """One row of the table in ``docs/engines.md``."""

    start: Sensitivity
    end: Sensitivity
    silence_ms: int
    padding_ms: int
    peak: float = 0.7
    complete: float = 0.9


PRESETS = MappingProxyType(
    {
        Environment.QUIET: Preset("low", "low", 1200, 300),
        Environment.MODERATE: Preset("medium", "low", 1000, 300),
        Environment.NOISY: Preset("medium", "low", 800, 300, peak=0.75),
        Environment.MOBILE: Preset("high", "medium", 600, 300, peak=0.75),
        Environment.CONFERENCE: Preset("low", "low", 1500, 300, complete=0.95),
    }
)


def samples(ms: float) -> int:
    """Milliseconds as samples at 16 kHz."""
    return round(ms * SAMPLE_RATE / 1000)


_PAUSE = samples(200)
_SHORT_SILENCE = samples(400)
"""500 ms after the last sample of a short turn, less what the detector lags behind it."""


@dataclass(frozen=True, slots=True)
class VadSettings:
    """What the segmenter goes by; lengths are samples at 16 kHz."""

    enabled: bool = True
    """False: push-to-talk, everything is speech and only ``flush`` ends a turn."""
    semantic: bool = True
    """Whether the turn model is asked."""
    threshold: float = 0.5
    """Probability from which a frame is speech."""
    negative_threshold: float = 0.35
    """Probability below which speech pauses."""
    peak: float = 0.7
    """Probability that one frame of a beginning must reach: noise hovers at the threshold."""
    onset: int = samples(64)
    """Speech that it takes to begin, so that a click is no turn."""
    padding: int = samples(300)
    """Audio kept from before the start, so that no first consonant is lost."""
    pause: int = _PAUSE
    """Silence after which the turn model is asked."""
    complete: float = 0.9
    """Probability of being complete from which the turn model's word is taken."""
    judge_again: int | None = None
    """Silence between one judgement and the next; None: each pause is judged once.

    The model was trained on turns with 200 ms of silence behind them. The more it is shown,
    the more complete any turn looks to it.
    """
    silence: int = samples(1000)
    """Most silence waited for when the turn seems incomplete."""
    short_turn: int = samples(1000)
    """A turn with less speech than this is short: a "yes"."""
    short_silence: int = _SHORT_SILENCE
    """Most silence waited for after a short turn, whatever the model says."""
    longest: int = samples(600_000)
    """A longer turn is ended."""


def vad_settings(config: Config, *, longest_s: float = 600.0) -> VadSettings:
    """The preset of the config's environment, with its overrides."""
    preset = PRESETS[config.environment]
    given: VadOverrides = config.vad
    threshold = given.threshold or _THRESHOLDS[given.start or preset.start]
    falls_to = threshold - _HYSTERESIS[given.end or preset.end]
    peak = given.peak_threshold or preset.peak
    again = given.judge_again_ms
    padding = preset.padding_ms if given.prefix_padding_ms is None else given.prefix_padding_ms
    silence = samples(given.silence_ms or preset.silence_ms)
    return VadSettings(
        enabled=given.enabled,
        semantic=given.semantic,
        threshold=threshold,
        negative_threshold=given.negative_threshold or max(0.01, falls_to),
        peak=max(peak, threshold),
        padding=samples(padding),
        pause=min(_PAUSE, silence),
        complete=given.turn_threshold or preset.complete,
        judge_again=None if again is None else samples(again),
        silence=silence,
        short_silence=min(_SHORT_SILENCE, silence),
        longest=samples(longest_s * 1000),
    )
