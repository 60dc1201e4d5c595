"""T3's decoding: tokens a second of a running batch, and of the package one by one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from services.tts.engines.chatterbox.decode import Capacity, RunningBatch
from services.tts.engines.chatterbox.guards import Limits
from services.tts.engines.chatterbox.load import Models
from services.tts.engines.chatterbox.prompt import Prompt, build
from tests.bench.chatterbox.weights import PROMPT, SPEC, TEXT, packed, voice

_SHORT, _LONG = 4, 16
"""Tokens of the package's two runs, whose difference is decoding without the prompt."""
STEPS = 12
"""Steps measured of the running batch, after two that warm up."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Decoding alone, prompts done."""

    requests: int
    ours: float
    """Tokens a second of all requests together."""
    unpacked: float
    """The same with the package's own linear layers."""
    package: float
    """Tokens a second of the package, which takes requests one after another."""


Clock = Callable[[], float]


def rates(models: Models, sizes: Sequence[int], clock: Clock) -> Iterator[Rate]:
    """Measure each number of requests at once."""
    package = _package(models, clock)
    loaded = packed(models)
    for size in sizes:
        ours = _ours(loaded, size, clock)
        unpacked = ours if loaded is models else _ours(models, size, clock)
        yield Rate(size, ours, unpacked, package)


def _package(models: Models, clock: Clock) -> float:
    def run(count: int) -> float:
        began = clock()
        conditions = voice(0).for_t3(0.0, device, weight.dtype)
        models.t3.inference_turbo(conditions, text[None], max_gen_len=count)
        return clock() - began

    weight = models.t3.speech_head.weight
    device = weight.device
    text = models.tokens("text", "en").to(device)
    run(1)
    short, long = min(run(_SHORT) for _ in range(2)), min(run(_LONG) for _ in range(2))
    return (_LONG - _SHORT) / max(long - short, 1e-9)


def _ours(models: Models, size: int, clock: Clock) -> float:
    device = models.t3.speech_head.weight.device
    length = PROMPT + TEXT + STEPS + 16
    capacity = Capacity(slots=size, length=length, fixed=device.type == "cuda")
    batch = RunningBatch(models.t3, SPEC, capacity)
    joined = []
    for index in range(size):
        one = batch.insert(
            prompt_of(models, index), SPEC.sampling, Limits(most=STEPS + 8, loops=False)
        )
        assert one is not None
        joined.append(one)
        while one.missing:
            batch.step([one])
    for _ in range(2):
        batch.step(joined)
    taken = []
    for _ in range(STEPS):
        began = clock()
        batch.step(joined)
        taken.append(clock() - began)
    return size / sorted(taken)[len(taken) // 2]


def prompt_of(models: Models, index: int) -> Prompt:
    """The prompt of a request; four voices take turns."""
    weight = models.t3.speech_head.weight
    conditions = voice(index % 4).for_t3(0.0, weight.device, weight.dtype)
    tokens = models.tokens("x" * index, "en").to(weight.device)
    with torch.inference_mode():
        return build(models.t3, conditions, tokens, key=(f"voice-{index % 4}", 0.0), guided=False)
