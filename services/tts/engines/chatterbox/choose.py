"""From hidden states to the next token of each request."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from services.tts.engines.chatterbox.alignment import Verdict
from services.tts.engines.chatterbox.decoding import Decoding
from services.tts.engines.chatterbox.sampling import RowValues, draw, process
from services.tts.engines.chatterbox.variants import START_TOKEN, STOP_TOKEN, Order

_SURE = 2.0**15
"""Logit that settles a draw; the package's value."""

Look = Callable[[int], torch.Tensor]
"""Index of a row to its attention weights [tokens, text]."""


class Chooser:
    """Guidance, checks, sampling; and which tokens each slot has had."""

    def __init__(self, t3: Any, order: Order, slots: int) -> None:
        self._head = t3.speech_head
        self._order = order
        weight = t3.speech_head.weight
        self._seen = torch.zeros(slots, weight.shape[0], dtype=torch.bool, device=weight.device)
        self._values: tuple[tuple[object, ...], RowValues] | None = None

    def begin(self, slot: int) -> None:
        """A new request takes a slot."""
        self._seen[slot] = False
        self._seen[slot, START_TOKEN] = True

    def note(self, drawn: Sequence[tuple[Decoding, int]]) -> None:
        """Count the drawn tokens for the penalty.

        The package's turbo counts the start mark for the first token only.
        """
        slots = torch.tensor([one.slots[0] for one, _ in drawn], device=self._seen.device)
        tokens = torch.tensor([token for _, token in drawn], device=self._seen.device)
        if self._order is Order.PENALTY_LAST and not all(one.tokens for one, _ in drawn):
            self._seen[slots, START_TOKEN] = False
        self._seen[slots, tokens] = True

    def __call__(
        self, drawing: Sequence[tuple[Decoding, int]], hidden: torch.Tensor, look: Look
    ) -> list[int]:
        """Draw a token for each.

        Args:
            drawing: requests, with the index of their first row.
            hidden: [rows, width].
            look: the attention that the alignment checks need.
        """
        logits = self._guided(drawing, hidden)
        self._checked(drawing, logits, look)
        slots = torch.tensor([one.slots[0] for one, _ in drawing], device=logits.device)
        values = self._gathered([one for one, _ in drawing], logits)
        logits = process(logits, self._seen[slots], values, self._order)
        drawn: list[int] = draw(logits, [one.generator for one, _ in drawing]).tolist()
        return drawn

    def _guided(
        self, drawing: Sequence[tuple[Decoding, int]], hidden: torch.Tensor
    ) -> torch.Tensor:
        texts = torch.tensor([index for _, index in drawing], device=hidden.device)
        logits = self._head(hidden[texts]).float()
        if all(len(one.slots) == 1 for one, _ in drawing):
            return logits
        bare = torch.tensor(
            [index + len(one.slots) - 1 for one, index in drawing], device=hidden.device
        )
        weight = torch.tensor([[one.params.cfg_weight] for one, _ in drawing], device=hidden.device)
        return logits + weight * (logits - self._head(hidden[bare]).float())

    def _checked(
        self, drawing: Sequence[tuple[Decoding, int]], logits: torch.Tensor, look: Look
    ) -> None:
        for row, (one, index) in enumerate(drawing):
            verdict = Verdict.FREE
            if one.alignment is not None:
                last = one.tokens[-1] if one.tokens else START_TOKEN
                verdict = one.alignment.step(look(index).cpu(), last)
            if verdict is Verdict.STOP:
                logits[row] = -_SURE
                logits[row, STOP_TOKEN] = _SURE
            elif verdict is Verdict.GO_ON or len(one.tokens) < one.limits.least:
                logits[row, STOP_TOKEN] = -_SURE

    def _gathered(self, decodings: Sequence[Decoding], logits: torch.Tensor) -> RowValues:
        key = tuple(one.params for one in decodings)
        if self._values is None or self._values[0] != key:
            rows = [one.params for one in decodings]
            self._values = (key, RowValues.of(rows, logits.shape[1], logits.device))
        return self._values[1]
