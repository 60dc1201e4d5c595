"""Rows side by side attend to what each attends to by itself."""

import torch

from services.tts.engines.chatterbox.attention import (
    PaddedAttention,
    RaggedAttention,
    Segment,
    Watch,
)
from services.tts.engines.chatterbox.cache import Shape, Slots
from tests.chatterbox import small

SEGMENTS = (Segment(2, 0, 5), Segment(0, 7, 3), Segment(3, 4, 1), Segment(1, 11, 6))
SHAPE = Shape(layers=2, heads=4, head_dim=8)
WATCH = Watch(heads=((0, 1), (1, 3)), spans=((1, 4), None, (0, 3), (5, 9)), rows=2)


def slots() -> Slots:
    """A cache in which each place holds something of whoever had it before."""
    random = torch.Generator().manual_seed(0)
    made = Slots(SHAPE, slots=5, length=24, dtype=torch.float32, device=small.DEVICE)
    for kept in (made.keys, made.values):
        kept.copy_(10 * torch.randn(kept.shape, generator=random))
    return made


def test_padded_rows_attend_as_rows_by_themselves() -> None:
    by_itself, side_by_side = slots(), slots()
    ragged = RaggedAttention(by_itself, SEGMENTS, WATCH)
    padded = PaddedAttention(side_by_side, SEGMENTS, WATCH)
    random = torch.Generator().manual_seed(1)
    count = sum(one.count for one in SEGMENTS)
    for layer in range(SHAPE.layers):
        given = torch.randn(3, count, SHAPE.heads, SHAPE.head_dim, generator=random)
        query, key, value = given.to(small.DEVICE)
        ours, theirs = padded(layer, query, key, value), ragged(layer, query, key, value)
        assert ours.shape == (count, SHAPE.heads * SHAPE.head_dim)
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)
    for ours, theirs in (
        (side_by_side.keys, by_itself.keys),
        (side_by_side.values, by_itself.values),
    ):
        assert torch.equal(ours, theirs)
    for index in (0, 2, 3):
        torch.testing.assert_close(padded.weights(index), ragged.weights(index), atol=1e-6, rtol=0)
