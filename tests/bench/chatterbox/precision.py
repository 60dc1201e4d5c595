"""How far bfloat16 says what float32 says: greedy tokens of the same prompts in both."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import pytest
import torch

from services.tts.engines.chatterbox import choose
from services.tts.engines.chatterbox.decode import Capacity, RunningBatch
from services.tts.engines.chatterbox.guards import Limits
from services.tts.engines.chatterbox.load import Models, in_precision
from services.tts.engines.chatterbox.sampling import process
from tests.bench.chatterbox.tokens import prompt_of
from tests.bench.chatterbox.weights import PROMPT, SPEC, TEXT


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of some requests.

    Attributes:
        share: of tokens before each request's first difference.
        gaps: between the two best logits in float32, where each first differed.
        usual: the median of that gap over all tokens.
    """

    share: float
    gaps: list[float]
    usual: float


def agreement(models: Models, *, requests: int, count: int) -> Agreement:
    """Let both say ``count`` tokens for each of ``requests``."""
    exact = in_precision(copy.deepcopy(models.t3), torch.float32)
    rounded = in_precision(copy.deepcopy(models.t3), torch.bfloat16)
    said, gaps = _greedy(replace(models, t3=exact), requests, count)
    again, _ = _greedy(replace(models, t3=rounded), requests, count)
    same, apart = 0, []
    for row, (ours, theirs) in enumerate(zip(again, said, strict=True)):
        pairs = enumerate(zip(ours, theirs, strict=True))
        first = next((at for at, (one, two) in pairs if one != two), count)
        same += first
        apart += [gaps[first][row]] if first < count else []
    usual = median(gap for step in gaps for gap in step)
    return Agreement(same / (requests * count), sorted(apart), usual)


def _greedy(models: Models, requests: int, count: int) -> tuple[list[list[int]], list[list[float]]]:
    """Tokens of each request, and the gaps of each step."""
    capacity = Capacity(
        slots=requests,
        length=PROMPT + TEXT + count + 8,
        fixed=models.t3.speech_head.weight.device.type == "cuda",
    )
    batch = RunningBatch(models.t3, SPEC, capacity)
    limits = Limits(least=count, most=count, loops=False)
    live = [batch.insert(prompt_of(models, row), SPEC.greedy(), limits) for row in range(requests)]
    joined = [one for one in live if one is not None]
    with _gaps() as gaps:
        for one in joined:
            while not one.tokens:
                batch.step([one])
        while not all(one.end for one in joined):
            batch.step(joined)
    first = [gap for (gap,) in gaps[:requests]]
    return [one.tokens for one in joined], [first, *gaps[requests:]]


@contextmanager
def _gaps() -> Iterator[list[list[float]]]:
    """Gaps between the two best logits of each row, at each step."""
    gaps: list[list[float]] = []

    def recorded(logits: torch.Tensor, *rest: Any) -> torch.Tensor:
        best = logits.topk(2, dim=-1).values
        gaps.append((best[:, 0] - best[:, 1]).tolist())
        return process(logits, *rest)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(choose, "process", recorded)
        yield gaps
