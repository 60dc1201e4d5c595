"""A voice's conditions are kept between engines: written down, read again, told when wrong."""

from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from services.tts.engines.base import Reference, SpeechRequest
from services.tts.engines.chatterbox import preparing
from services.tts.engines.chatterbox.engine import ChatterboxEngine, Options
from services.tts.engines.chatterbox.load import Models
from services.tts.engines.chatterbox.preparing import ConditionsPreparing
from services.tts.engines.chatterbox.variants import Variant
from services.tts.engines.chatterbox.voice import VoiceConditions
from tests.chatterbox import small
from tests.chatterbox.shelf import RECORD, Shelf

SAMPLES = np.zeros(6 * 24_000, np.float32)


Ears = list[str]


@pytest.fixture
def ears(monkeypatch: pytest.MonkeyPatch) -> Ears:
    """Every time a recording is listened to. The small models have no encoders of their own."""
    heard: Ears = []

    def listen(models: Models, key: str, recording: Any) -> VoiceConditions:
        heard.append(key)
        made = small.voice(3)
        return VoiceConditions(key, made.speaker, made.prompt, made.reference)

    monkeypatch.setattr(preparing, "listen", listen)
    return heard


def reference(shelf: Shelf | None = None) -> Reference:
    return Reference(RECORD.voice_id, RECORD.digest, SAMPLES, shelf)


async def spoken(shelf: Shelf, loader: Callable[..., Models] | None = None) -> np.ndarray[Any, Any]:
    """By a new engine, as after a restart."""

    def small_models(variant: Variant, folder: Path | None, device: torch.device) -> Models:
        return small.models(variant, device)

    options = Options(Variant.TURBO, requests=1, devices=(str(small.DEVICE),))
    engine = ChatterboxEngine(options, loader=loader or small_models, watermark=None)
    await engine.start()
    try:
        request = SpeechRequest("One two.", "v", seed=7, reference=reference(shelf))
        async with aclosing(engine.speak(request)) as chunks:
            return np.concatenate([chunk.samples async for chunk in chunks])
    finally:
        await engine.aclose()


async def test_after_a_restart_the_same_voice_speaks_without_listening(ears: Ears) -> None:
    shelf = Shelf()
    first = await spoken(shelf)
    assert ears == [f"v/{RECORD.digest}"]
    assert len(shelf.kept) == 1
    np.testing.assert_allclose(await spoken(shelf), first, atol=1e-3)
    assert len(ears) == 1


async def test_other_weights_listen_again(ears: Ears) -> None:
    shelf = Shelf()
    await spoken(shelf)

    def changed(variant: Variant, folder: Path | None, device: torch.device) -> Models:
        models = small.models(variant, device)
        with torch.no_grad():
            next(iter(models.s3gen.parameters())).add_(0.01)
        return models

    await spoken(shelf, changed)
    assert len(ears) == len(shelf.kept) == 2


async def test_conditions_that_do_not_fit_are_heard_anew(ears: Ears) -> None:
    shelf = Shelf()
    first = await spoken(shelf)
    (preparation,) = shelf.kept
    await shelf.save(preparation, {"speaker": np.ones((1, 256), np.float32)})
    np.testing.assert_allclose(await spoken(shelf), first, atol=1e-3)
    assert len(ears) == 2


def test_all_that_the_models_need_comes_back() -> None:
    model = ConditionsPreparing(small.models(Variant.ENGLISH))
    made = small.voice(5)
    back = model.from_arrays(reference(), model.to_arrays(made))
    assert back.key == f"v/{RECORD.digest}"
    assert torch.equal(back.speaker, made.speaker)
    assert torch.equal(back.prompt, made.prompt)
    assert set(back.reference) == set(made.reference)
    for name, value in made.reference.items():
        assert (back.reference[name] is None) == (value is None)
        assert value is None or torch.equal(back.reference[name], value)


@pytest.mark.parametrize(
    "change",
    [
        {"prompt_token": None},
        {"prompt": np.zeros(12, np.int64)},
        {"embedding": np.full((1, 192), np.nan, np.float32)},
    ],
)
def test_what_is_missing_misshapen_or_no_number_is_refused(change: dict[str, Any]) -> None:
    model = ConditionsPreparing(small.models(Variant.TURBO))
    arrays = {**model.to_arrays(small.voice(5)), **change}
    with pytest.raises(ValueError, match=r"what it has to be|no numbers"):
        model.from_arrays(
            reference(), {name: array for name, array in arrays.items() if array is not None}
        )


def test_each_variant_has_a_name_of_its_own() -> None:
    names = {ConditionsPreparing(small.models(variant)).preparation for variant in Variant}
    assert len(names) == len(Variant)
    again = ConditionsPreparing(small.models(Variant.TURBO)).preparation
    assert again in names
