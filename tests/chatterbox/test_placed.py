"""What would run on CUDA keeps to its device, is captured, and makes nobody wait needlessly.

There is no device here: see :mod:`tests.chatterbox.placed`.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from chatterbox.models.s3gen import S3Gen
from chatterbox.models.voice_encoder import VoiceEncoder

from services.tts.engines.base import SpeechRequest
from services.tts.engines.chatterbox import load
from services.tts.engines.chatterbox.decode import Capacity, RunningBatch
from services.tts.engines.chatterbox.engine import BUILT_IN, ChatterboxEngine, Options
from services.tts.engines.chatterbox.guards import Limits
from services.tts.engines.chatterbox.load import Models
from services.tts.engines.chatterbox.model import ChatterboxModel
from services.tts.engines.chatterbox.prompt import build
from services.tts.engines.chatterbox.utterance import pieces
from services.tts.engines.chatterbox.variants import SPECS, Variant
from services.tts.engines.chatterbox.vocode import SpeechStream, Vocoder
from services.tts.engines.chatterbox.voice import listen
from services.tts.engines.chatterbox.watermark import Watermark
from tests.chatterbox import small
from tests.chatterbox.needs import MARKING
from tests.chatterbox.placed import Traffic, devices
from tests.chatterbox.test_engine import spoken
from tests.chatterbox.test_full_size import recording
from tests.chatterbox.test_model import SIZES, job, run, sound

pytestmark = pytest.mark.skipif(
    torch.cuda.is_available() or not torch.__version__.startswith("2.6."),
    reason="the double knows the inside of torch 2.6, the locked one, without a CUDA device",
)
SECOND = torch.device("cuda:1")
TOKENS = 14
"""Speech tokens of a piece: two chunks."""


@pytest.fixture
def traffic() -> Iterator[Traffic]:
    with devices() as counted:
        yield counted


@pytest.fixture(params=list(Variant), ids=lambda variant: variant.value)
def variant(request: pytest.FixtureRequest) -> Variant:
    chosen: Variant = request.param
    return chosen


def models(variant: Variant, device: torch.device, *, exact: bool = False) -> Models:
    """As they are loaded; the flow solved in two steps."""
    made = small.models(variant)
    return replace(
        made,
        spec=replace(made.spec, flow_steps=2),
        t3=made.t3.to(device) if exact else load.prepared(made.t3, device),
        s3gen=made.s3gen.to(device),
    )


def model(models: Models) -> ChatterboxModel:
    def short(request: Any, spec: Any) -> Any:
        cut = pieces(request, spec)
        limits = Limits(least=TOKENS, most=TOKENS, loops=False)
        return type(cut)(replace(piece, limits=limits) for piece in cut)

    return ChatterboxModel(models, replace(SIZES, vocode=2), watermark=None, plan=short)


def test_a_model_speaks_on_its_device_alone(
    variant: Variant, traffic: Traffic, caplog: pytest.LogCaptureFixture
) -> None:
    running = model(models(variant, SECOND))
    traffic.clear()
    with caplog.at_level(logging.WARNING):
        running.warm_up()
        traffic.waits.clear()  # tables that are put in their place once
        made = run(running, [job(variant, index) for index in range(2)], after=1)
    assert caplog.records == []  # of a step that could not be captured, or a batch that failed
    assert running.captured == (3 if variant is Variant.TURBO else 4)
    assert all(len(sound(chunks)) > 0 for chunks in made.values())
    assert set(traffic.places) == {("cuda:1", "cuda:1")}
    assert [why for why in traffic.waits if why.startswith("send")] == []
    decoded = [one for one in traffic.attended if one.dtype == torch.bfloat16]
    assert {one.queries for one in decoded} > {1}
    assert not any(one.converted or one.copied for one in decoded)
    assert {one.kernel for one in decoded} <= {"efficient", "flash"}


def test_replayed_steps_and_batches_sound_as_on_the_cpu(traffic: Traffic) -> None:
    """In float32, where the same kernels compute; with guidance and the alignment checks."""
    jobs = [job(Variant.MULTILINGUAL, index) for index in range(2)]
    there = model(models(Variant.MULTILINGUAL, SECOND, exact=True))
    here = model(models(Variant.MULTILINGUAL, torch.device("cpu")))
    others = [job(Variant.MULTILINGUAL, index) for index in range(2)]
    for one, two in zip(run(there, jobs).values(), run(here, others).values(), strict=True):
        np.testing.assert_allclose(sound(one), sound(two), atol=1e-3)
    assert there.captured == 1


def joined(variant: Variant, rows: int) -> tuple[RunningBatch, list[Any]]:
    """Requests whose prompts are taken next."""
    t3 = load.prepared(small.t3(variant), SECOND)
    capacity = Capacity(slots=2 * rows, length=160, prefill=400, fixed=True)
    spec = SPECS[variant]
    batch = RunningBatch(t3, spec, capacity)
    live = []
    for index in range(rows):
        with torch.inference_mode():
            voice = small.voice(index)
            prompt = build(
                t3,
                voice.for_t3(0.5, SECOND, torch.bfloat16),
                small.text(t3, 9 + index, index).to(SECOND),
                key=(voice.key, 0.5),
                guided=spec.sampling.cfg_weight > 0,
            )
        limits = Limits(least=20, most=20, loops=False)
        decoding = batch.insert(prompt, replace(spec.sampling, seed=index), limits)
        assert decoding is not None
        live.append(decoding)
    return batch, live


def speaking(variant: Variant, rows: int) -> tuple[RunningBatch, list[Any]]:
    """Requests whose prompts are in the cache, and whose step was captured."""
    batch, live = joined(variant, rows)
    for _ in range(3):
        batch.step(live)
    return batch, live


@pytest.mark.parametrize("rows", [1, 3])
def test_newcomers_wait_together(variant: Variant, rows: int, traffic: Traffic) -> None:
    batch, live = joined(variant, rows)
    traffic.clear()
    batch.step(live)
    assert {len(one.tokens) for one in live} == {1}
    assert traffic.waits.total() == (2 if variant is Variant.MULTILINGUAL else 1)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_step_waits_for_the_tokens_alone(variant: Variant, rows: int, traffic: Traffic) -> None:
    batch, live = speaking(variant, rows)
    traffic.clear()
    batch.step(live)
    assert {len(one.tokens) for one in live} == {4}
    # The alignment checks of multilingual look at attention before a token is drawn.
    assert traffic.waits.total() == (2 if variant is Variant.MULTILINGUAL else 1)
    assert traffic.sent.total() == 4  # tokens, rows, positions, what is to be drawn


@pytest.mark.parametrize("rows", [1, 3])
def test_a_batch_of_chunks_waits_as_often_as_one(rows: int, traffic: Traffic) -> None:
    vocoder = Vocoder(small.s3gen(Variant.TURBO).to(SECOND), steps=1, watermark=None)
    streams = [
        SpeechStream(vocoder.reference(small.reference(7)), 25, seed) for seed in range(rows)
    ]
    for stream in streams:
        stream.tokens.extend([7] * 30)
    vocoder.render(streams)
    traffic.clear()
    vocoder.render(streams)
    assert traffic.waits.total() == 3  # the transform's own check, the phases, the samples


async def test_two_devices_are_made_ready_and_speak_each_on_its_own(traffic: Traffic) -> None:
    def loader(variant: Variant, folder: Path | None, device: torch.device) -> Models:
        return models(variant, device)

    options = Options(devices=("cuda:0", "cuda:1"), requests=1, warm=True)
    speaker = ChatterboxEngine(options, loader=loader, watermark=None)
    await speaker.start()
    try:
        assert [one.captured for one in speaker._models] == [4, 4]  # 512, 1024, 1536, 1600
        traffic.clear()
        requests = [SpeechRequest("Yes.", BUILT_IN, seed=seed) for seed in (1, 2)]
        await asyncio.gather(*(spoken(speaker, request) for request in requests))
    finally:
        await speaker.aclose()
    assert set(traffic.places) == {("cuda:0", "cuda:0"), ("cuda:1", "cuda:1")}


def test_a_recording_is_listened_to_on_its_device(traffic: Traffic) -> None:
    spec = SPECS[Variant.TURBO]
    t3 = small.t3(Variant.TURBO)
    s3gen, encoder = S3Gen(meanflow=True).to(SECOND).eval(), VoiceEncoder().to(SECOND).eval()
    traffic.clear()
    heard = listen(Models(spec, t3, s3gen, encoder, small.Letters(t3), None), "v", recording(6.0))
    assert {device for device, _ in traffic.places} == {"cuda:1"}
    kept = (heard.speaker, heard.prompt, *heard.reference.values())
    assert {one.device.type for one in kept if one is not None} == {"cpu"}


@MARKING
def test_the_mark_is_put_on_on_its_device(traffic: Traffic) -> None:
    mark = Watermark(SECOND)
    sounds = [torch.randn(length, device=SECOND) / 10 for length in (9600, 4800)]
    traffic.clear()
    marked = mark(sounds)
    assert [one.shape for one in marked] == [one.shape for one in sounds]
    assert {device for device, _ in traffic.places} == {"cuda:1"}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda one: one + torch.ones(2),
        lambda one: one + torch.ones(2, device="cuda"),
        lambda one: one @ torch.ones(2, dtype=torch.bfloat16, device=SECOND),
        lambda one: torch.nn.functional.layer_norm(one, (2,), torch.ones(2)),
    ],
    ids=["the CPU", "the first device", "another precision", "weights of the CPU"],
)
def test_the_double_refuses_what_a_device_refuses(wrong: Any, traffic: Traffic) -> None:
    one = torch.ones(2, device=SECOND)
    with torch.inference_mode(), pytest.raises(RuntimeError):
        wrong(one)


@pytest.mark.parametrize(
    "wait",
    [
        lambda one: one.tolist(),
        lambda one: bool(one.sum() > 1),
        lambda one: one[one > 0],
        lambda one: one.nonzero(),
        lambda one: torch.tensor([1.0], device=one.device),
        lambda one: one.__setitem__(0, 2.0),
        lambda one: one[torch.tensor([1])],
    ],
)
def test_the_double_counts_what_makes_the_program_wait(wait: Any, traffic: Traffic) -> None:
    one = torch.ones(2, device=SECOND)
    with torch.inference_mode():
        wait(one)
    assert traffic.waits.total() == 1
