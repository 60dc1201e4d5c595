"""The decode step in fixed shapes, on CUDA replayed as a graph.

A step of a few hundred small kernels is bound by the time it takes to launch them; a
captured graph launches them at once. A graph has fixed shapes, so the step runs over the
first 1, 2, 4, … slots and over a length rounded up; slots that have nothing to say at
this step write one token into the place that their own next token will overwrite.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import torch

from services.tts.engines.chatterbox.attention import SlotAttention
from services.tts.engines.chatterbox.backbone import Backbone
from services.tts.engines.chatterbox.cache import Slots
from services.tts.engines.chatterbox.device import CAPTURING, sent

log = logging.getLogger(__name__)

_LENGTH_STEP = 512
"""Positions by which the looked-at length grows; each length is a graph of its own."""
_WARM_UPS = 2

Passed = tuple[torch.Tensor, torch.Tensor | None]
"""Hidden states of a pass, and the attention that is watched."""
Record = Callable[[Callable[[], Passed]], tuple[Callable[[], None], Passed]]
"""Takes a pass over fixed tensors; gives what does it again, and where its results appear."""


class CudaRecorder:
    """Records passes on one device as CUDA graphs that share their memory.

    They may share it, because what a graph leaves behind is read before another one runs.
    """

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)
        self._pool: object | None = None

    def __call__(self, work: Callable[[], Passed]) -> tuple[Callable[[], None], Passed]:
        """Record a pass; what it does is done before, too, and must do no harm twice."""
        device = self._stream.device
        with CAPTURING, torch.cuda.device(device):
            self._stream.wait_stream(torch.cuda.current_stream(device))
            with torch.cuda.stream(self._stream):  # kernels and workspaces load outside of it
                for _ in range(_WARM_UPS):
                    work()
            torch.cuda.current_stream(device).wait_stream(self._stream)
            graph = torch.cuda.CUDAGraph()
            # A stream of this device: torch's own for captures is the first device's. Voices
            # are listened to on another thread meanwhile; its calls must not end the capture.
            with torch.cuda.graph(
                graph,
                pool=self._pool,
                stream=self._stream,
                capture_error_mode="thread_local",
            ):
                passed = work()
            self._pool = self._pool or graph.pool()
        return graph.replay, passed


@dataclass(frozen=True, slots=True)
class _Captured:
    replay: Callable[[], None]
    tokens: torch.Tensor
    positions: torch.Tensor
    passed: Passed


class SlotPass:
    """Steps of all slots at once.

    Args:
        backbone: the transformer.
        slots: its cache.
        heads: (layer, head) whose attention is wanted.
        record: how to record a pass; None: each is done anew.
    """

    def __init__(
        self,
        backbone: Backbone,
        slots: Slots,
        heads: tuple[tuple[int, int], ...] = (),
        record: Record | None = None,
    ) -> None:
        self._backbone = backbone
        self._slots = slots
        self._heads = heads
        self._record = record
        self._positions = [0] * slots.keys.shape[1]
        self._captured: dict[tuple[int, int], _Captured] = {}

    @property
    def captured(self) -> int:
        """Shapes that were recorded."""
        return len(self._captured)

    def prepare(self, width: int) -> None:
        """Record every shape, the largest first, while all slots are free.

        Args:
            width: of an embedding.
        """
        rows = {self._rows(needed) for needed in range(1, len(self._positions) + 1)}
        lengths = {self._length(needed) for needed in range(1, self._slots.length + 1)}
        keys = self._slots.keys
        with torch.inference_mode():
            for length, count in product(sorted(lengths)[::-1], sorted(rows)[::-1]):
                positions = torch.zeros(count, dtype=torch.long, device=keys.device)
                self._run(keys.new_zeros(count, width), positions, length)

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
        where = sent(slots, device)
        positions = sent(self._positions[:rows], device)
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

    def _run(self, tokens: torch.Tensor, positions: torch.Tensor, length: int) -> Passed:
        key = (tokens.shape[0], length)
        if self._record is not None and key not in self._captured:
            self._capture(self._record, tokens, positions, length)
        captured = self._captured.get(key)
        if captured is None:
            return self._pass(tokens, positions, length)
        captured.tokens.copy_(tokens)
        captured.positions.copy_(positions)
        captured.replay()
        return captured.passed

    def _pass(self, tokens: torch.Tensor, positions: torch.Tensor, length: int) -> Passed:
        attend = SlotAttention(self._slots, positions, length, self._heads)
        hidden = self._backbone(tokens, positions, attend)
        return hidden, attend.weights

    def _capture(
        self, record: Record, tokens: torch.Tensor, positions: torch.Tensor, length: int
    ) -> None:
        """Record the pass. Writing a token twice at its position does no harm."""
        tokens, positions = tokens.clone(), positions.clone()
        try:
            replay, passed = record(lambda: self._pass(tokens, positions, length))
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:  # a driver or kernel that cannot: slower, and as right
            log.warning("the decode step is not captured", extra={"error": repr(error)})
            self._record = None
            return
        key = (tokens.shape[0], length)
        self._captured[key] = _Captured(replay, tokens, positions, passed)
