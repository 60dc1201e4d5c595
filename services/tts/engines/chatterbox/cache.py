"""Key/value slots: memory taken once, a row's tokens at its own positions."""

import heapq
from collections import OrderedDict
from dataclasses import dataclass

import torch

from services.tts.engines.chatterbox.voice import is_of


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of a model's keys and values."""

    layers: int
    heads: int
    head_dim: int


class Slots:
    """Keys and values of all rows of the running batch.

    ``keys`` and ``values`` are [layers, slots, heads, length, head_dim]. They start as
    zeros, which the allocator of a CPU hands out untouched, so that slots never used cost
    no memory; on a GPU zeros keep masked positions finite.
    """

    def __init__(
        self,
        shape: Shape,
        *,
        slots: int,
        length: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        size = (shape.layers, slots, shape.heads, length, shape.head_dim)
        self.keys = torch.zeros(size, dtype=dtype, device=device)
        self.values = torch.zeros(size, dtype=dtype, device=device)
        self.length = length
        """Longest prompt and speech together, in tokens."""
        self._free = list(range(slots))

    @property
    def free(self) -> int:
        """Slots that nobody holds."""
        return len(self._free)

    def take(self, count: int) -> tuple[int, ...] | None:
        """The lowest ``count`` free slots, or None while there are fewer."""
        if count > len(self._free):
            return None
        return tuple(heapq.heappop(self._free) for _ in range(count))

    def give(self, slots: tuple[int, ...]) -> None:
        """Return slots; what they hold may be overwritten from now on."""
        for slot in slots:
            heapq.heappush(self._free, slot)

    def write(
        self, layer: int, slot: int, start: int, keys: torch.Tensor, values: torch.Tensor
    ) -> None:
        """Put [n, heads, head_dim] of consecutive tokens at ``start``."""
        end = start + keys.shape[0]
        self.keys[layer, slot, :, start:end] = keys.transpose(0, 1)
        self.values[layer, slot, :, start:end] = values.transpose(0, 1)

    def export(self, slot: int, length: int) -> "Prefix":
        """Copy of a row's first ``length`` tokens."""
        return Prefix(
            keys=self.keys[:, slot, :, :length].clone(),
            values=self.values[:, slot, :, :length].clone(),
        )

    def restore(self, slot: int, prefix: "Prefix") -> None:
        """Begin a row with tokens computed earlier."""
        self.keys[:, slot, :, : prefix.length] = prefix.keys
        self.values[:, slot, :, : prefix.length] = prefix.values


@dataclass(frozen=True, slots=True)
class Prefix:
    """Keys and values of the tokens that every text in one voice starts with.

    Attention is causal, so they do not depend on the text: computed once per voice and
    emotion, they are what another prefill of the same tokens would give.
    """

    keys: torch.Tensor
    """[layers, heads, length, head_dim]."""
    values: torch.Tensor

    @property
    def length(self) -> int:
        """Tokens."""
        return int(self.keys.shape[2])

    @property
    def bytes(self) -> int:
        """Memory held."""
        return 2 * int(self.keys.numel() * self.keys.element_size())


class PrefixStore:
    """Prefixes of the voices spoken lately, least recently used dropped first."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._kept: OrderedDict[tuple[str, float], Prefix] = OrderedDict()

    @property
    def bytes(self) -> int:
        """Memory held."""
        return sum(prefix.bytes for prefix in self._kept.values())

    def get(self, key: tuple[str, float]) -> Prefix | None:
        """The prefix of a voice and emotion."""
        prefix = self._kept.get(key)
        if prefix is not None:
            self._kept.move_to_end(key)
        return prefix

    def put(self, key: tuple[str, float], prefix: Prefix) -> None:
        """Keep a prefix, unless it alone is over the limit."""
        if prefix.bytes > self._limit:
            return
        self._kept[key] = prefix
        while self.bytes > self._limit:
            self._kept.popitem(last=False)

    def forget(self, voice_id: str) -> None:
        """Drop what belongs to a voice."""
        for key in [key for key in self._kept if is_of(key[0], voice_id)]:
            del self._kept[key]
