"""In bfloat16 a token differs from float32's only where two were almost as likely."""

import logging
from typing import Any

import pytest
import torch

from services.tts.engines.chatterbox.decode import Capacity, RunningBatch
from services.tts.engines.chatterbox.guards import Limits
from services.tts.engines.chatterbox.load import in_precision
from services.tts.engines.chatterbox.prompt import build
from services.tts.engines.chatterbox.sampling import process
from services.tts.engines.chatterbox.variants import SPECS, Variant
from tests.chatterbox import small

log = logging.getLogger(__name__)

REQUESTS, TOKENS = 8, 24
Said = tuple[list[list[int]], list[list[float]]]


def greedy(model: Any, variant: Variant, monkeypatch: pytest.MonkeyPatch) -> Said:
    """Tokens of some requests, and at each the gap between the two best logits."""
    spec = SPECS[variant]
    gaps: list[list[float]] = []

    def recorded(logits: torch.Tensor, *rest: Any) -> torch.Tensor:
        best = logits.topk(2, dim=-1).values
        gaps.append((best[:, 0] - best[:, 1]).tolist())
        return process(logits, *rest)

    monkeypatch.setattr("services.tts.engines.chatterbox.choose.process", recorded)
    batch = RunningBatch(model, spec, Capacity(slots=2 * REQUESTS, length=400))
    live = []
    for index in range(REQUESTS):
        conditions = small.conditions(model, index).to(dtype=model.speech_head.weight.dtype)
        with torch.inference_mode():
            prompt = build(
                model, conditions, small.text(model, 9, index), key=(str(index), 0.5), guided=False
            )
        joined = batch.insert(prompt, spec.greedy(), Limits(most=TOKENS, loops=False, least=TOKENS))
        assert joined is not None
        live.append(joined)
    while not all(one.end for one in live):
        batch.step(live)
    return [one.tokens for one in live], [list(row) for row in zip(*gaps, strict=True)]


@pytest.mark.parametrize("variant", [Variant.TURBO, Variant.ENGLISH], ids=lambda one: one.value)
def test_tokens_differ_only_where_two_were_almost_as_likely(
    variant: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact, gaps = greedy(small.t3(variant), variant, monkeypatch)
    rounded, _ = greedy(in_precision(small.t3(variant), torch.bfloat16), variant, monkeypatch)
    same, diverged = 0, []
    for ours, theirs, gap in zip(rounded, exact, gaps, strict=True):
        pairs = enumerate(zip(ours, theirs, strict=True))
        first = next((place for place, (one, two) in pairs if one != two), TOKENS)
        same += first
        diverged += [gap[first]] if first < TOKENS else []
    typical = float(torch.tensor(gaps).median())
    share = same / (REQUESTS * TOKENS)
    log.info("%s: %.0f %% equal, gaps %s of %.3f", variant.value, 100 * share, diverged, typical)
    assert same > 0
    assert all(gap < typical for gap in diverged)


def test_positions_stay_exact_in_bfloat16() -> None:
    """Frequencies rounded like the weights would turn far positions by whole radians."""
    exact = small.t3(Variant.ENGLISH).tfmr.rotary_emb
    model = in_precision(small.t3(Variant.ENGLISH), torch.bfloat16)
    assert model.speech_head.weight.dtype == torch.bfloat16
    rounded = model.tfmr.rotary_emb
    positions = torch.arange(1600, device=small.DEVICE)[None]
    like = torch.zeros(1, device=small.DEVICE)
    for ours, theirs in zip(rounded(like, positions), exact(like, positions), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)
