"""The decode step in fixed shapes, on CUDA replayed as a graph.

A step of a few hundred small kernels is bound by the time it takes to launch them; a
captured graph launches them at once. A graph has fixed shapes, so the step runs over the
first 1, 2, 4, … slots and over a length rounded up; slots that have nothing to say at
this step write one token into the place that their own next token will overwrite.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from services.tts.engines.chatterbox.attention import SlotAttention
from services.tts.engines.chatterbox.backbone import Backbone
from services.tts.engines.chatterbox.cache import Slots

_LENGTH_STEP = 256
"""Positions by which the looked-at length grows; each length is a graph of its own."""
_WARM_UPS = 2


@dataclass(frozen=True, slots=True)
class _Captured:
    graph: torch.cuda.CUDAGraph
    tokens: torch.Tensor
    positions: torch.Tensor
    hidden: torch.Tensor
    weights: torch.Tensor | None


class SlotPass:
    """Steps of all slots at once.

    Args:
        backbone: the transformer.
        slots: its cache.
        heads: (layer, head) whose attention is wanted.
    """

    def __init__(
        self, backbone: Backbone, slots: Slots, heads: tuple[tuple[int, int], ...] = ()
    ) -> None:
        self._backbone = backbone
        self._slots = slots
        self._heads = heads
        self._positions = [0] * slots.keys.shape[1]
        self._graphs: dict[tuple[int, int], _Captured] = {}
        self._pool: object | None = None

    def place(self, slots: Sequence[int], position: int) -> None:
        """Say where the next token of a request's rows goes."""
        for slot in slots:
            self._positions[slot] = position

    def leave(self, slots: Sequence[int]) -> None:
        """Slots are free again."""
        self.place(slots, 0)

    def __call__(
        self, slots: Sequence[int], tokens: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """One token for each of ``slots``.

        Args:
            slots: which rows speak.
            tokens: their embeddings [len(slots), width].

        Returns:
            Hidden states [len(slots), width] and watched attention [len(slots), length]
            (empty where none is watched).
        """
        rows = self._rows(max(slots) + 1)
        length = self._length(max(self._positions[:rows]) + 1)
        device = tokens.device
        where = torch.tensor(list(slots), device=device)
        positions = torch.tensor(self._positions[:rows], device=device)
        everyone = tokens.new_zeros(rows, tokens.shape[1])
        everyone[where] = tokens
        hidden, weights = self._run(everyone, positions, length)
        if weights is None:
            return hidden[where], hidden.new_zeros(len(slots), 0)
        return hidden[where], weights[where].cpu()

    def _rows(self, needed: int) -> int:
        rows = 1
        while rows < needed:
            rows *= 2
        return min(rows, len(self._positions))

    def _length(self, needed: int) -> int:
        steps = -(-needed // _LENGTH_STEP)
        return min(steps * _LENGTH_STEP, self._slots.length)

    def _run(
        self, tokens: torch.Tensor, positions: torch.Tensor, length: int
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        if tokens.device.type != "cuda":
            return self._pass(tokens, positions, length)
        key = (tokens.shape[0], length)
        if key not in self._graphs:
            self._graphs[key] = self._capture(tokens, positions, length)
        captured = self._graphs[key]
        captured.tokens.copy_(tokens)
        captured.positions.copy_(positions)
        captured.graph.replay()
        return captured.hidden, captured.weights

    def _pass(
        self, tokens: torch.Tensor, positions: torch.Tensor, length: int
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        attend = SlotAttention(self._slots, positions, length, self._heads)
        hidden = self._backbone(tokens, positions, attend)
        return hidden, attend.weights

    def _capture(self, tokens: torch.Tensor, positions: torch.Tensor, length: int) -> _Captured:
        """Record the pass. Writing a token twice at its position does no harm."""
        tokens, positions = tokens.clone(), positions.clone()
        side = torch.cuda.Stream(tokens.device)
        side.wait_stream(torch.cuda.current_stream(tokens.device))
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                self._pass(tokens, positions, length)
        torch.cuda.current_stream(tokens.device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        # Voices are listened to on another thread meanwhile; its calls must not end this.
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            hidden, weights = self._pass(tokens, positions, length)
        self._pool = self._pool or graph.pool()
        return _Captured(graph, tokens, positions, hidden, weights)
