"""The engine seam over real threads: many at once, cancelled, refused, marked."""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import perth
import pytest
import torch

from services.tts.engines.base import SpeechChunk, SpeechRequest
from services.tts.engines.chatterbox.engine import BUILT_IN, ChatterboxEngine, Options
from services.tts.engines.chatterbox.load import Models
from services.tts.engines.chatterbox.model import ChatterboxModel
from services.tts.engines.chatterbox.variants import Variant
from services.tts.engines.chatterbox.watermark import Watermark
from shared.errors import Draining, EngineUnavailable, NotFound, UnsupportedOption
from tests.chatterbox import small
from tests.chatterbox.needs import MARKING


def loader(variant: Variant, folder: Path | None, device: torch.device) -> Models:
    return small.models(variant, device)


def engine(variant: Variant = Variant.TURBO, **options: Any) -> ChatterboxEngine:
    options = {"requests": 3, "devices": (str(small.DEVICE),), **options}
    chosen = Options(variant, **options)
    return ChatterboxEngine(chosen, loader=loader, watermark=None)


def asking(text: str = "One two three.", **changed: Any) -> SpeechRequest:
    return SpeechRequest(text=text, voice_id=changed.pop("voice_id", BUILT_IN), **changed)


async def spoken(speaker: ChatterboxEngine, request: SpeechRequest) -> list[SpeechChunk]:
    async with aclosing(speaker.speak(request)) as chunks:
        return [chunk async for chunk in chunks]


def sound(chunks: list[SpeechChunk]) -> np.ndarray[Any, Any]:
    return np.concatenate([chunk.samples for chunk in chunks])


async def test_more_requests_than_slots_are_all_spoken_and_seeds_repeat_them() -> None:
    speaker = engine()
    await speaker.start()
    try:
        requests = [asking(seed=seed, owner=f"client-{seed}") for seed in (1, 2, 3, 4, 1)]
        made = await asyncio.gather(*(spoken(speaker, request) for request in requests))
    finally:
        await speaker.aclose()
    assert all(len(chunks) > 1 for chunks in made)
    np.testing.assert_allclose(sound(made[0]), sound(made[4]), atol=1e-3)
    assert not np.array_equal(sound(made[0])[:4000], sound(made[1])[:4000])


async def test_closing_the_generator_frees_the_slot() -> None:
    speaker = engine(requests=1)
    await speaker.start()
    try:
        async with aclosing(speaker.speak(asking("A long one. " * 20))) as chunks:
            assert (await anext(chunks)).samples.size
        assert await spoken(speaker, asking())
    finally:
        await speaker.aclose()


async def test_two_devices_share_one_queue() -> None:
    speaker = engine(devices=(str(small.DEVICE),) * 2, requests=1)
    await speaker.start()
    assert speaker.info.capacity == 2
    try:
        made = await asyncio.gather(*(spoken(speaker, asking(seed=5)) for _ in range(3)))
    finally:
        await speaker.aclose()
    for other in made[1:]:
        np.testing.assert_allclose(sound(other), sound(made[0]), atol=1e-3)


async def test_what_it_cannot_do_is_refused_by_name() -> None:
    speaker = engine()
    with pytest.raises(EngineUnavailable):
        await spoken(speaker, asking())
    await speaker.start()
    try:
        with pytest.raises(NotFound):
            await spoken(speaker, asking(voice_id="nobody"))
        with pytest.raises(UnsupportedOption):
            await spoken(speaker, asking(language="fr"))
    finally:
        await speaker.aclose()


async def test_a_device_that_is_not_there_stops_the_start() -> None:
    with pytest.raises(EngineUnavailable, match=r"cuda:7: .* found; set TTS_DEVICE=cpu or auto"):
        await engine(devices=("cuda:7",)).start()


async def test_a_device_with_too_little_memory_stops_the_start() -> None:
    def crowded(variant: Variant, folder: Path | None, device: torch.device) -> Models:
        raise torch.OutOfMemoryError("no memory")

    speaker = ChatterboxEngine(Options(), loader=crowded, watermark=None)
    with pytest.raises(EngineUnavailable, match="TTS_BATCH"):
        await speaker.start()


async def test_requests_under_way_are_told_that_the_engine_stops() -> None:
    speaker = engine()
    await speaker.start()
    async with aclosing(speaker.speak(asking("A long one. " * 20))) as chunks:
        await anext(chunks)
        await speaker.aclose()
        with pytest.raises(Draining):
            async for _ in chunks:
                pass


@pytest.mark.parametrize("variant", list(Variant), ids=lambda variant: variant.value)
def test_info_says_what_the_variant_can(variant: Variant) -> None:
    info = engine(variant).info
    assert ("emotion" in info.capabilities) is (variant is not Variant.TURBO)
    assert ("language" in info.capabilities) is (variant is Variant.MULTILINGUAL)
    assert info.languages[0] == "en"
    assert info.voices == ()


async def test_a_full_memory_makes_batches_smaller_with_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vocode = ChatterboxModel._vocode

    def crowded(self: ChatterboxModel, jobs: Any) -> Any:
        if len(jobs) > 2:
            raise torch.OutOfMemoryError("no memory")
        return vocode(self, jobs)

    monkeypatch.setattr(ChatterboxModel, "_vocode", crowded)
    speaker = engine(requests=4)
    await speaker.start()
    try:
        requests = [asking(seed=seed) for seed in range(4)]
        made = await asyncio.gather(*(spoken(speaker, request) for request in requests))
    finally:
        await speaker.aclose()
    codes = {code for chunks in made for chunk in chunks for code, _ in chunk.warnings}
    assert "smaller_batch" in codes
    assert all(sound(chunks).size for chunks in made)


@MARKING
async def test_the_mark_is_found_in_streamed_speech() -> None:
    marks: list[float] = []
    for mark in (Watermark, None):
        speaker = ChatterboxEngine(
            Options(devices=(str(small.DEVICE),), requests=1), loader=loader, watermark=mark
        )
        await speaker.start()
        try:
            chunks = await spoken(speaker, asking("One two three four five six.", seed=3))
        finally:
            await speaker.aclose()
        assert len(chunks) > 2
        detector = perth.PerthImplicitWatermarker()
        with torch.inference_mode():
            found = detector.get_watermark(sound(chunks), sample_rate=24_000, round=False)
        marks.append(float(np.mean(found)))
    assert marks[0] > 0.9
    assert marks[1] < 0.1
