"""The running batch gives each request what the package gives it alone."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from services.tts.engines.chatterbox.decode import Capacity, RunningBatch
from services.tts.engines.chatterbox.decoding import Decoding
from services.tts.engines.chatterbox.guards import Limits
from services.tts.engines.chatterbox.packed import pack
from services.tts.engines.chatterbox.prompt import Prompt, build
from services.tts.engines.chatterbox.variants import SPECS, SamplingParams, Variant
from tests.chatterbox import small

TOKENS = 24
FREE = Limits(least=0, most=TOKENS, loops=False)


def package(
    model: Any, variant: Variant, voice: int, tokens: torch.Tensor, params: SamplingParams
) -> list[int]:
    """What the package's own inference says."""
    torch.manual_seed(params.seed)
    conditions = small.conditions(model, voice)
    if variant is Variant.TURBO:
        said = model.inference_turbo(
            conditions,
            tokens[None],
            temperature=params.temperature,
            top_k=params.top_k,
            top_p=params.top_p,
            repetition_penalty=params.repetition_penalty,
            max_gen_len=TOKENS - 1,
        )
    else:
        said = model.inference(
            t3_cond=conditions,
            text_tokens=tokens[None].expand(2, -1),
            max_new_tokens=TOKENS,
            temperature=params.temperature,
            top_p=params.top_p,
            min_p=params.min_p,
            repetition_penalty=params.repetition_penalty,
            cfg_weight=params.cfg_weight,
        )
    tokens_said: list[int] = said[0].tolist()
    return tokens_said


def prompt(model: Any, voice: int, tokens: torch.Tensor, params: SamplingParams) -> Prompt:
    with torch.inference_mode():
        return build(
            model,
            small.conditions(model, voice),
            tokens,
            key=(f"voice-{voice}", 0.5),
            guided=params.cfg_weight > 0,
        )


def run(batch: RunningBatch, decodings: list[Decoding]) -> None:
    for _ in range(200):
        if all(one.end for one in decodings):
            return
        batch.step([one for one in decodings if one.end is None])
    raise AssertionError("the batch never ended")


@pytest.fixture(params=list(Variant), ids=lambda variant: variant.value)
def variant(request: pytest.FixtureRequest) -> Variant:
    chosen: Variant = request.param
    return chosen


@pytest.fixture(params=[False, True], ids=["ragged", "fixed"])
def capacity(request: pytest.FixtureRequest) -> Capacity:
    return Capacity(slots=12, length=160, prefill=10, fixed=request.param)


def expected(
    model: Any, variant: Variant, voice: int, tokens: torch.Tensor, params: SamplingParams
) -> list[int]:
    said = package(model, variant, voice, tokens, params)
    stop = model.hp.stop_speech_token
    return said[: said.index(stop)] if stop in said else said


@pytest.mark.parametrize("greedy", [True, False], ids=["greedy", "seeded"])
@pytest.mark.parametrize("ours", [pack, lambda model: model], ids=["packed", "package's layers"])
def test_mixed_batch_says_what_the_package_says_alone(
    variant: Variant, capacity: Capacity, greedy: bool, ours: Callable[[Any], Any]
) -> None:
    if not greedy and small.DEVICE.type == "cuda":
        pytest.skip("on CUDA a seed's draws depend on how many rows are drawn at once")
    model = small.t3(variant)
    spec = SPECS[variant]
    base = spec.greedy() if greedy else spec.sampling
    requests = [
        (voice, small.text(model, length, seed=length), replace(base, seed=voice + 7))
        for voice, length in [(1, 9), (2, 21), (1, 14), (3, 6)]
    ]
    alone = [expected(model, variant, voice, tokens, params) for voice, tokens, params in requests]
    model = ours(model)
    batch = RunningBatch(model, spec, capacity)
    live: list[Decoding] = []
    for index, (voice, tokens, params) in enumerate(requests):
        joined = batch.insert(prompt(model, voice, tokens, params), params, FREE)
        assert joined is not None
        live.append(joined)
        for _ in range(2 + index):
            batch.step([one for one in live if one.end is None])
    run(batch, live)
    assert [one.tokens for one in live] == alone
    assert len({tuple(one) for one in alone}) == len(alone)
    assert all(len(set(one)) > 1 for one in alone)


def test_rows_that_sit_out_steps_say_the_same(variant: Variant, capacity: Capacity) -> None:
    model = small.t3(variant)
    spec = SPECS[variant]
    params = spec.sampling if small.DEVICE.type == "cpu" else spec.greedy()
    requests = [
        (voice, small.text(model, length, seed=length), replace(params, seed=voice))
        for voice, length in [(1, 9), (2, 17), (3, 6)]
    ]
    alone = [expected(model, variant, *request) for request in requests]
    batch = RunningBatch(model, spec, capacity)
    live = []
    for voice, tokens, seeded in requests:
        joined = batch.insert(prompt(model, voice, tokens, seeded), seeded, FREE)
        assert joined is not None
        live.append(joined)
    for step in range(200):
        taking = [one for at, one in enumerate(live) if not one.end and (step // 3 + at) % 3]
        batch.step(taking)
    assert [one.tokens for one in live] == alone
