"""From hidden states to the next token of each request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from services.tts.engines.chatterbox.alignment import Verdict
from services.tts.engines.chatterbox.decoding import Decoding
from services.tts.engines.chatterbox.device import sent
from services.tts.engines.chatterbox.sampling import RowValues, draw, process
from services.tts.engines.chatterbox.variants import START_TOKEN, STOP_TOKEN, Order

_SURE = 2.0**15
"""Logit that settles a draw; the package's value."""

Look = Callable[[int], torch.Tensor]
"""Index of a row to its attention weights [tokens, text], on the CPU."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The next token of some requests.

    Attributes:
        tokens: as the program knows them.
        place: int64 [requests] each, slots and tokens as the device does.
        first: whether any request had none before.
    """

    tokens: list[int]
    place: tuple[torch.Tensor, torch.Tensor]
    first: bool


class Chooser:
    """Guidance, checks, sampling; and which tokens each slot has had.

    A step sends a device one table, and waits for it once, to read what was drawn.
    """

    def __init__(self, t3: Any, order: Order, slots: int) -> None:
        self._head = t3.speech_head
        self._order = order
        weight = t3.speech_head.weight
        self._seen = torch.zeros(slots, weight.shape[0], dtype=torch.bool, device=weight.device)
        self._true = self._seen.new_ones(())
        self._values: tuple[tuple[object, ...], RowValues] | None = None

    def begin(self, slot: int) -> None:
        """A new request takes a slot."""
        self._seen[slot] = False
        self._seen[slot, START_TOKEN].fill_(value=True)

    def note(self, drawn: Drawn) -> None:
        """Count the drawn tokens for the penalty.

        The package's turbo counts the start mark for the first token only.
        """
        slots, _ = drawn.place
        if self._order is Order.PENALTY_LAST and drawn.first:
            self._seen[:, START_TOKEN].index_fill_(0, slots, value=False)
        self._seen.index_put_(drawn.place, self._true)

    def __call__(
        self, drawing: Sequence[tuple[Decoding, int]], hidden: torch.Tensor, look: Look
    ) -> Drawn:
        """Draw a token for each.

        Args:
            drawing: requests, with the index of their first row.
            hidden: [rows, width].
            look: the attention that the alignment checks need.
        """
        verdicts = [_verdict(one, index, look) for one, index in drawing]
        table = [
            (
                one.slots[0],
                index,
                index + len(one.slots) - 1,
                verdict is Verdict.STOP,
                verdict is Verdict.GO_ON,
            )
            for (one, index), verdict in zip(drawing, verdicts, strict=True)
        ]
        slots, texts, bare, stopped, held = sent(table, hidden.device).T
        values = self._gathered([one for one, _ in drawing], hidden.device)
        logits = self._head(hidden[texts]).float()
        if any(len(one.slots) > 1 for one, _ in drawing):
            logits = logits + values.guidance * (logits - self._head(hidden[bare]).float())
        if set(verdicts) != {Verdict.FREE}:
            _settle(logits, stopped > 0, held > 0)
        logits = process(logits, self._seen[slots], values, self._order)
        tokens = draw(logits, [one.generator for one, _ in drawing])
        first = not all(one.tokens for one, _ in drawing)
        return Drawn(tokens.tolist(), (slots, tokens), first)

    def _gathered(self, decodings: Sequence[Decoding], device: torch.device) -> RowValues:
        rows = [one.params for one in decodings]
        key = tuple(rows)
        if self._values is None or self._values[0] != key:
            self._values = key, RowValues.of(rows, self._seen.shape[1], device)
        return self._values[1]


def _verdict(one: Decoding, index: int, look: Look) -> Verdict:
    """Whether a request must end, or may not yet."""
    verdict = Verdict.FREE
    if one.alignment is not None:
        last = one.tokens[-1] if one.tokens else START_TOKEN
        verdict = one.alignment.step(look(index), last)
    early = verdict is Verdict.FREE and len(one.tokens) < one.limits.least
    return Verdict.GO_ON if early else verdict


def _settle(logits: torch.Tensor, stopped: torch.Tensor, held: torch.Tensor) -> None:
    """Where a row must end, only that may be drawn; where it may not, all but that."""
    logits.masked_fill_(stopped[:, None], -_SURE)
    end = logits[:, STOP_TOKEN]
    end.masked_fill_(stopped, _SURE).masked_fill_(held, -_SURE)
