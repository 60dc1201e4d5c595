"""What a config asks for, and what the engine grants of it."""

from types import SimpleNamespace
from typing import Any

import pytest

from services.asr.engines.base import EngineInfo
from services.asr.metrics import AsrMetrics
from services.asr.pipeline.catalogue import Catalogue
from services.asr.pipeline.hearing import Hearing
from shared.engine import Kind
from shared.protocol.asr import Config
from tests.doubles.asr_engine import LevelDetector
from tests.doubles.clock import ManualClock


def hearing(*languages: str) -> Hearing:
    info = EngineInfo("whisper", "base", Kind.BATCHED, 1, languages, frozenset({"prompt"}))
    engine: Any = SimpleNamespace(info=info)
    return Hearing(engine, LevelDetector, None, Catalogue(), AsrMetrics(), ManualClock())


@pytest.mark.parametrize("asked", ["de", "de-DE", "DE", "de_AT"])
def test_a_language_counts_without_its_region(asked: str) -> None:
    """With it, Whisper would be told nothing, and take German for English."""
    here = hearing("en", "de")
    config = Config(language=asked)

    assert here.granted(config).language == "de"
    assert here.objections(config) == []


def test_a_language_that_the_engine_does_not_know_is_detected() -> None:
    here = hearing("en", "de")
    config = Config(language="tlh-Kronos")

    assert here.granted(config).language is None
    assert [code for code, _ in here.objections(config)] == ["unsupported_option"]


@pytest.mark.parametrize("asked", [None, "pt-BR"])
def test_an_engine_with_languages_of_its_own_is_told_what_was_asked(asked: str | None) -> None:
    config = Config(language=asked)

    assert hearing().granted(config) is config
    assert hearing().objections(config) == []
