"""Logits to tokens for all rows at once, with each row's own values and seed.

Each variant's order of processing is the package's (:class:`variants.Order`), and the
draw is the one ``torch.multinomial`` makes from the row's own generator: a request gives
the same tokens alone and in any batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from services.tts.engines.chatterbox.device import sent
from services.tts.engines.chatterbox.variants import Order, SamplingParams

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class RowValues:
    """The sampling values of a batch, one column a row: [rows, 1] each."""

    temperature: torch.Tensor
    top_k: torch.Tensor
    """int64, at least 1."""
    top_p: torch.Tensor
    min_p: torch.Tensor
    penalty: torch.Tensor
    guidance: torch.Tensor
    most: int
    """Greatest ``top_k``; 0 when no row limits it."""
    nucleus: bool
    """Whether any row's ``top_p`` is below 1."""
    floor: bool
    """Whether any row's ``min_p`` is above 0."""

    @classmethod
    def of(
        cls, rows: Sequence[SamplingParams], vocabulary: int, device: torch.device
    ) -> "RowValues":
        """Gather the values of a batch's rows."""
        limits = [min(row.top_k or vocabulary, vocabulary) for row in rows]
        values = [
            (row.temperature, row.top_p, row.min_p, row.repetition_penalty, row.cfg_weight, limit)
            for row, limit in zip(rows, limits, strict=True)
        ]
        table = sent(values, device, torch.float32).split(1, dim=1)
        temperature, top_p, min_p, penalty, guidance, top_k = table
        return cls(
            temperature=temperature,
            top_k=top_k.long(),
            top_p=top_p,
            min_p=min_p,
            penalty=penalty,
            guidance=guidance,
            most=0 if all(limit == vocabulary for limit in limits) else max(limits),
            nucleus=any(row.top_p < 1 for row in rows),
            floor=any(row.min_p > 0 for row in rows),
        )


def process(
    logits: torch.Tensor, seen: torch.Tensor, values: RowValues, order: Order
) -> torch.Tensor:
    """Apply a variant's processors.

    Args:
        logits: float32 [rows, vocabulary].
        seen: bool [rows, vocabulary], tokens that the penalty counts.
        values: per row.
        order: the variant's.

    Returns:
        Logits of the same shape, -inf where a token may not be drawn.
    """
    if order is Order.PENALTY_LAST:
        logits = logits / values.temperature
        logits = _top_k(logits, values)
        logits = _top_p(logits, values)
        return _penalise(logits, seen, values)
    logits = _penalise(logits, seen, values)
    logits = logits / values.temperature
    logits = _min_p(logits, values)
    return _top_p(logits, values)


def draw(logits: torch.Tensor, generators: Sequence[torch.Generator]) -> torch.Tensor:
    """One token a row, int64 [rows].

    Args:
        logits: processed, [rows, vocabulary].
        generators: one per row, on the logits' device.
    """
    race = torch.empty_like(logits)
    for row, generator in zip(race, generators, strict=True):
        row.exponential_(generator=generator)
    return (logits.softmax(-1) / race).argmax(-1)


def _penalise(logits: torch.Tensor, seen: torch.Tensor, values: RowValues) -> torch.Tensor:
    lower = torch.where(logits < 0, logits * values.penalty, logits / values.penalty)
    return torch.where(seen, lower, logits)


def _top_k(logits: torch.Tensor, values: RowValues) -> torch.Tensor:
    if not values.most:
        return logits
    best = logits.topk(values.most, dim=-1).values
    threshold = best.gather(1, (values.top_k - 1).clamp(max=values.most - 1))
    return logits.masked_fill(logits < threshold, _NEVER)


def _top_p(logits: torch.Tensor, values: RowValues) -> torch.Tensor:
    if not values.nucleus:
        return logits
    ordered, indices = logits.sort(dim=-1, descending=False)
    dropped = ordered.softmax(-1).cumsum(-1) <= 1 - values.top_p
    dropped[:, -1] = False
    dropped &= values.top_p < 1
    return logits.masked_fill(dropped.scatter(1, indices, dropped), _NEVER)


def _min_p(logits: torch.Tensor, values: RowValues) -> torch.Tensor:
    if not values.floor:
        return logits
    likely = logits.softmax(-1)
    best = likely.max(dim=-1, keepdim=True)
    dropped = likely < values.min_p * best.values
    dropped.scatter_(1, best.indices, value=False)
    return logits.masked_fill(dropped, _NEVER)
