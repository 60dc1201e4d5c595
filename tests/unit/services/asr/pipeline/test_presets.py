"""The table of environments, value by value."""

import pytest

from services.asr.pipeline.presets import samples, vad_settings
from shared.protocol.asr import Config, Environment, VadOverrides


@pytest.mark.parametrize(
    ("environment", "threshold", "negative", "silence_ms", "padding_ms"),
    [
        ("quiet", 0.65, 0.50, 1200, 300),
        ("moderate", 0.50, 0.35, 1000, 300),
        ("noisy", 0.50, 0.35, 800, 300),
        ("mobile", 0.35, 0.20, 600, 300),
        ("conference", 0.65, 0.50, 1500, 300),
    ],
)
def test_each_environment_has_its_row(
    environment: str, threshold: float, negative: float, silence_ms: int, padding_ms: int
) -> None:
    settings = vad_settings(Config(environment=Environment(environment)))

    assert settings.threshold == pytest.approx(threshold)
    assert settings.negative_threshold == pytest.approx(negative)
    assert settings.silence == samples(silence_ms)
    assert settings.padding == samples(padding_ms)
    assert settings.enabled
    assert settings.semantic


@pytest.mark.parametrize(
    ("environment", "peak", "complete"),
    [
        ("quiet", 0.70, 0.90),
        ("moderate", 0.70, 0.90),
        ("noisy", 0.75, 0.90),
        ("mobile", 0.75, 0.90),
        ("conference", 0.70, 0.95),
    ],
)
def test_each_environment_has_its_doubts(environment: str, peak: float, complete: float) -> None:
    settings = vad_settings(Config(environment=Environment(environment)))

    assert (settings.peak, settings.complete) == (peak, complete)
    assert settings.judge_again is None, "a pause is judged once"


def test_every_value_can_be_overridden() -> None:
    overrides = VadOverrides(
        enabled=False,
        semantic=False,
        threshold=0.7,
        negative_threshold=0.2,
        prefix_padding_ms=0,
        silence_ms=400,
        peak_threshold=0.8,
        turn_threshold=0.6,
        judge_again_ms=300,
    )

    settings = vad_settings(Config(vad=overrides), longest_s=10)

    assert not settings.enabled
    assert not settings.semantic
    assert (settings.threshold, settings.negative_threshold) == (0.7, 0.2)
    assert (settings.peak, settings.complete) == (0.8, 0.6)
    assert settings.judge_again == samples(300)
    assert settings.padding == 0
    assert settings.silence == settings.short_silence == samples(400)
    assert settings.longest == samples(10_000)


def test_sensitivities_override_those_of_the_preset() -> None:
    settings = vad_settings(Config(vad=VadOverrides(start="low", end="high")))

    assert settings.threshold == 0.65
    assert settings.negative_threshold == pytest.approx(0.60)


def test_no_frame_is_voice_and_in_doubt_where_the_threshold_is_higher() -> None:
    settings = vad_settings(Config(vad=VadOverrides(threshold=0.9)))

    assert settings.peak == settings.threshold == 0.9


def test_a_pause_is_never_longer_than_the_silence_waited_for() -> None:
    assert vad_settings(Config(vad=VadOverrides(silence_ms=100))).pause == samples(100)
