"""What the tokens of one pass attend to.

Three ways that give the same numbers: :class:`RaggedAttention` goes row by row over each
row's own length (CPU: no padding is computed); :class:`PaddedAttention` takes those rows
side by side under a mask (prefill on a GPU, whose time goes by kernels); and
:class:`SlotAttention` takes one token in all slots (fixed shapes, so that a GPU can replay
it as a graph).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch.nn.functional import scaled_dot_product_attention

from services.tts.engines.chatterbox.cache import Slots
from services.tts.engines.chatterbox.device import sent


class Attention(Protocol):
    """Writes a layer's keys and values, and attends."""

    def __call__(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> torch.Tensor:
        """[tokens, heads, head_dim] each, to [tokens, heads * head_dim]."""
        ...


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive tokens of one row within a packed pass."""

    slot: int
    start: int
    """Position of the first in its row."""
    count: int


@dataclass(frozen=True, slots=True)
class Watch:
    """Attention heads to look at, for the alignment checks."""

    heads: tuple[tuple[int, int], ...]
    """(layer, head)."""
    spans: tuple[tuple[int, int] | None, ...]
    """Per segment the positions of its text, or None."""
    rows: int
    """How many of a segment's last tokens are looked at."""


class _Watching:
    """Keeps what the watched heads attend to, segment by segment."""

    def __init__(self, segments: Sequence[Segment], watch: Watch | None) -> None:
        self._segments = segments
        self._watch = watch
        self._seen: dict[int, list[torch.Tensor]] = {}
        self._read: dict[int, torch.Tensor] = {}

    def weights(self, index: int) -> torch.Tensor:
        """Mean weights [rows, text] of the watched heads for a segment, on the CPU.

        The first call reads those of all segments: each reading waits for a device.
        """
        if not self._read:
            means = {key: torch.stack(seen).mean(0) for key, seen in self._seen.items()}
            flat = torch.cat([mean.flatten() for mean in means.values()]).cpu()
            parts = flat.split([mean.numel() for mean in means.values()])
            pairs = zip(means.items(), parts, strict=True)
            self._read = {key: part.view(mean.shape) for (key, mean), part in pairs}
        return self._read[index]

    def _look(self, layer: int, index: int, query: torch.Tensor, key: torch.Tensor) -> None:
        """Note a segment's: [heads, count, head_dim] and [heads, end, head_dim]."""
        watch = self._watch
        span = None if watch is None else watch.spans[index]
        if watch is None or span is None:
            return
        rows = min(watch.rows, query.shape[1])
        for head in (head for at, head in watch.heads if at == layer):
            scores = query[head, -rows:].float() @ key[head].float().T
            scores = scores / query.shape[-1] ** 0.5
            ahead = torch.ones_like(scores, dtype=torch.bool).triu(key.shape[1] - rows + 1)
            weights = scores.masked_fill(ahead, float("-inf")).softmax(-1)
            self._seen.setdefault(index, []).append(weights[:, span[0] : span[1]])


class RaggedAttention(_Watching):
    """Row by row, each over its own length."""

    def __init__(
        self, slots: Slots, segments: Sequence[Segment], watch: Watch | None = None
    ) -> None:
        super().__init__(segments, watch)
        self._slots = slots
        self._masks = [_mask(segment, slots.keys.device) for segment in segments]

    def __call__(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> torch.Tensor:
        out = torch.empty_like(query)
        at = 0
        for index, segment in enumerate(self._segments):
            here = slice(at, at + segment.count)
            at += segment.count
            self._slots.write(layer, segment.slot, segment.start, key[here], value[here])
            end = segment.start + segment.count
            q = query[here].transpose(0, 1)
            k = self._slots.keys[layer, segment.slot, :, :end]
            attended = scaled_dot_product_attention(
                q[None],
                k[None],
                self._slots.values[layer, segment.slot, :, :end][None],
                attn_mask=self._masks[index],
                is_causal=segment.count > 1 and segment.start == 0,
            )
            out[here] = attended[0].transpose(0, 1)
            self._look(layer, index, q, k)
        return out.flatten(1)


class PaddedAttention(_Watching):
    """Rows side by side, as wide and as long as the greatest: a few kernels for all."""

    def __init__(
        self, slots: Slots, segments: Sequence[Segment], watch: Watch | None = None
    ) -> None:
        super().__init__(segments, watch)
        self._slots = slots
        device = slots.keys.device
        placed = [(row, at) for row, one in enumerate(segments) for at in range(one.count)]
        self._row, self._at = sent(placed, device).T
        self._which, starts = sent([(one.slot, one.start) for one in segments], device).T
        self._width = max(one.count for one in segments)
        self._end = max(one.start + one.count for one in segments)
        own = starts[:, None] + torch.arange(self._width, device=device)
        columns = torch.arange(self._end, device=device)
        self._bias = _bias((columns <= own[:, :, None])[:, None], slots.keys.dtype)
        self._where = self._which[self._row], starts[self._row] + self._at

    def __call__(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> torch.Tensor:
        keys, values = self._slots.keys[layer], self._slots.values[layer]
        slot, position = self._where
        keys[slot, :, position] = key
        values[slot, :, position] = value
        padded = query.new_zeros(len(self._segments), self._width, *query.shape[1:])
        padded[self._row, self._at] = query
        attended = scaled_dot_product_attention(
            padded.transpose(1, 2),
            keys[:, :, : self._end][self._which],
            values[:, :, : self._end][self._which],
            attn_mask=self._bias,
        )
        if self._watch is not None:
            at = 0
            for index, one in enumerate(self._segments):
                seen = keys[one.slot, :, : one.start + one.count]
                self._look(layer, index, query[at : at + one.count].transpose(0, 1), seen)
                at += one.count
        return attended.transpose(1, 2)[self._row, self._at].flatten(1)


def _mask(segment: Segment, device: torch.device) -> torch.Tensor | None:
    """Each token sees its row's past and itself; None where no mask is needed."""
    if segment.count == 1 or segment.start == 0:
        return None
    end = segment.start + segment.count
    ones = torch.ones(segment.count, end, dtype=torch.bool, device=device)
    return ones.tril(segment.start)


def _bias(visible: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """What is added to the scores, once for all layers.

    Of a bool mask each layer would make it anew; and the kernel that takes a mask on a GPU
    wants whole eights between its rows, else it copies it.
    """
    *shape, end = visible.shape
    wide = torch.zeros(*shape, -(-end // 8) * 8, dtype=dtype, device=visible.device)
    return wide[..., :end].masked_fill_(~visible, float("-inf"))


class SlotAttention:
    """One token in each of the first ``rows`` slots, over ``length`` positions.

    Args:
        slots: the cache.
        positions: int64 [rows], where each row's token goes.
        length: positions looked at; at least the highest position + 1.
        heads: (layer, head) to look at, for the alignment checks.
    """

    def __init__(
        self,
        slots: Slots,
        positions: torch.Tensor,
        length: int,
        heads: tuple[tuple[int, int], ...] = (),
    ) -> None:
        self._slots = slots
        self._positions = positions
        self._length = length
        self._heads = heads
        self._rows = torch.arange(positions.shape[0], device=positions.device)
        columns = torch.arange(length, device=positions.device)
        self._visible = columns <= positions[:, None]
        self._bias = _bias(self._visible[:, None, None], slots.keys.dtype)
        self._seen: list[torch.Tensor] = []

    def __call__(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> torch.Tensor:
        rows = query.shape[0]
        self._slots.keys[layer][self._rows, :, self._positions] = key
        self._slots.values[layer][self._rows, :, self._positions] = value
        keys = self._slots.keys[layer, :rows, :, : self._length]
        attended = scaled_dot_product_attention(
            query[:, :, None],
            keys,
            self._slots.values[layer, :rows, :, : self._length],
            attn_mask=self._bias,
        )
        for head in (head for at, head in self._heads if at == layer):
            scores = torch.einsum("rd,rld->rl", query[:, head].float(), keys[:, head].float())
            scores = scores / query.shape[-1] ** 0.5
            hidden = scores.masked_fill(~self._visible, float("-inf"))
            self._seen.append(hidden.softmax(-1))
        return attended[:, :, 0].flatten(1)

    @property
    def weights(self) -> torch.Tensor | None:
        """Mean weights [rows, length] of the watched heads, or None without any."""
        return torch.stack(self._seen).mean(0) if self._seen else None
