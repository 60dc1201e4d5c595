"""Every known name of a model is answered, unknown ones are errors."""

from typing import get_args

import pytest
from openai.types import AudioModel
from openai.types.realtime import AudioTranscription

from services.asr.pipeline.catalogue import OPENAI_NAMES, Catalogue
from shared.errors import NotFound
from tests.doubles.asr_engine import InstantEngine

LOADED = InstantEngine().info


@pytest.mark.parametrize("name", [None, "instant", "mine", *OPENAI_NAMES])
def test_the_loaded_model_answers_to_its_names(name: str | None) -> None:
    assert Catalogue(["mine"]).substitution(name, LOADED) is None


def test_every_name_that_the_openai_package_knows_is_answered() -> None:
    annotation = AudioTranscription.model_fields["model"].annotation
    live = {name for part in get_args(annotation) for name in get_args(part)}
    assert {*get_args(AudioModel), *live} <= {*OPENAI_NAMES}


@pytest.mark.parametrize("name", ["large-v3", "tiny.en", "nova-3"])
def test_another_known_model_is_substituted(name: str) -> None:
    warning = Catalogue().substitution(name, LOADED)

    assert warning is not None
    assert name in warning
    assert "instant" in warning


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(NotFound, match="parrot"):
        Catalogue().substitution("parrot", LOADED)


def test_a_name_of_any_length_is_told_shortly() -> None:
    with pytest.raises(NotFound) as refused:
        Catalogue().substitution("parrot" * 10_000, LOADED)

    assert len(refused.value.message) < 100
