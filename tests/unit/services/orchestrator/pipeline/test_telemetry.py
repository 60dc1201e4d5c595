"""Latencies and costs of a turn."""

import pytest

from services.orchestrator.config import Prices
from services.orchestrator.pipeline.telemetry import Timeline

SEEDS = Prices(
    stt_per_minute=0.0043,
    llm_input_per_million=0.60,
    llm_output_per_million=0.60,
    tts_per_million_chars=15.0,
)


def test_stages_are_measured_from_the_last_sound() -> None:
    times = Timeline(
        speech_ended=10.0,
        began=10.3,
        thinking=10.2,
        first_token=10.6,
        first_say=10.7,
        first_chunk=10.9,
        first_audio=10.9,
        last_chunk=11.5,
        audio_s=2.0,
    )
    metrics = times.report("turn_1", Prices())
    assert metrics.stt_ms == pytest.approx(300)
    assert metrics.llm_ttft_ms == pytest.approx(400)
    assert metrics.tts_first_chunk_ms == pytest.approx(200)
    assert metrics.e2e_ms == pytest.approx(900)
    assert metrics.synthesis_ms == pytest.approx(800)


def test_what_did_not_happen_has_no_latency() -> None:
    metrics = Timeline(began=10.0).report("turn_1", Prices())
    assert metrics.stt_ms is None
    assert metrics.e2e_ms is None


def test_the_seeds_day_costs_what_they_say() -> None:
    """10,000 users, 5 minutes each at 150 words a minute."""
    day = Timeline(
        speech_s=10_000 * 5 * 60, input_tokens=9_750_000, characters=10_000 * 5 * 150 * 6
    ).cost(SEEDS)
    assert day.stt == pytest.approx(215.0)
    assert day.llm == pytest.approx(5.85)
    assert day.tts == pytest.approx(675.0)
    assert day.total == pytest.approx(895.85)
