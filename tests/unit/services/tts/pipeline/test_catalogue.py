"""Names of voices and models, and what they mean on an engine."""

from dataclasses import replace
from typing import get_args, get_type_hints

import pytest
from openai.types.audio import SpeechCreateParams, SpeechModel

from services.tts.config import OPENAI_MODELS, OPENAI_VOICES
from services.tts.engines.base import Voice
from services.tts.pipeline.catalogue import Catalogue
from shared.errors import NotFound
from tests.doubles.instant_tts import InstantEngine

INFO = replace(
    InstantEngine().info, voices=(Voice("hum", "Hum", ("en",)), Voice("echo", "Echo", ("de",)))
)


def test_openais_names_mean_the_default_voice_unless_the_engine_has_them() -> None:
    catalogue = Catalogue(INFO)
    for name in ("default", *OPENAI_VOICES):
        voice = catalogue.voice(name)
        assert voice is not None
        assert voice.voice_id == ("echo" if name == "echo" else "hum")
    assert "echo" not in catalogue.voice_aliases()


def test_the_operators_names_come_first() -> None:
    catalogue = Catalogue(INFO, {"nova": "echo", "chef": "echo", "ghost": "nobody"})
    assert catalogue.voice("nova") == catalogue.voice("chef") == catalogue.voice("echo")
    assert catalogue.voice("ghost") is None


def test_other_names_are_nobody() -> None:
    assert Catalogue(INFO).voice("nobody") is None


def test_an_engine_without_voices_has_no_default() -> None:
    assert Catalogue(replace(INFO, voices=(), default_voice="")).voice("default") is None


def test_models_are_openais_and_the_engines_own() -> None:
    catalogue = Catalogue(INFO)
    assert {*OPENAI_MODELS, "default", "instant"} == set(catalogue.models())
    assert catalogue.substitution("tts-1") is None
    with pytest.raises(NotFound, match="tts-9"):
        catalogue.substitution("tts-9")


@pytest.mark.parametrize("name", ["kokoro", "chatterbox", "eleven_flash_v2_5"])
def test_another_known_model_is_substituted(name: str) -> None:
    warning = Catalogue(INFO).substitution(name)
    assert warning is not None
    assert name in warning
    assert Catalogue(replace(INFO, name=name)).substitution(name) is None


def test_every_name_that_the_openai_package_knows_is_answered() -> None:
    assert {*get_args(SpeechModel)} <= {*OPENAI_MODELS}
    voices = {name for part in get_args(get_type_hints(SpeechCreateParams)["voice"])
              for name in get_args(part)}  # fmt: skip
    assert {"alloy", "marin"} <= voices <= {*OPENAI_VOICES}
