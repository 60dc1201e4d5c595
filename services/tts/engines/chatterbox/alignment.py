"""The multilingual model's checks on where in the text it is, as state per row.

The package reads three attention heads with hooks that it puts on the shared model and
never takes off. Here the running batch hands each row's weights to that row's own state,
and nothing of the model is touched. Sums that the package takes anew over a growing
matrix at every token are kept as running values.
"""

from dataclasses import dataclass, field
from enum import Enum

import torch

HEADS = ((12, 15), (13, 11), (9, 2))
"""(layer, head) whose weights follow the text; found by the package's makers."""
_FORWARD, _BACKWARD = 7, -4
_TAIL_WEIGHT = 5.0
"""Summed weight on the last text tokens after the end that counts as a long tail."""
_REPEAT_WEIGHT = 5.0


class Verdict(Enum):
    """What to do with a row's logits."""

    FREE = "free"
    GO_ON = "the end may not be drawn yet"
    STOP = "the end must be drawn"


@dataclass(slots=True)
class TextAlignment:
    """One request's way through its text.

    Attributes:
        length: text tokens, marks included.
        position: text token spoken now.
    """

    length: int
    position: int = 0
    complete: bool = False
    _frames: int = 0
    _recent: list[int] = field(default_factory=list)
    _tail: torch.Tensor = field(default_factory=lambda: torch.zeros(3))
    _again: float = 0.0

    def step(self, weights: torch.Tensor, last_token: int) -> Verdict:
        """Take one frame.

        Args:
            weights: float32 [rows, length] on the CPU, the mean of :data:`HEADS` over the
                text; one row, or at the first frame one for each mark that starts speech.
            last_token: the token drawn before.
        """
        weights = weights.clone()
        weights[:, self._frames + 1 :] = 0
        self._after_the_end(weights)
        peak = int(weights[-1].argmax())
        if _BACKWARD < peak - self.position < _FORWARD:
            self.position = peak
        self.complete = self.complete or self.position >= self.length - 3
        self._recent = [*self._recent[-1:], last_token]
        self._frames += 1
        return self._verdict(peak)

    def _after_the_end(self, weights: torch.Tensor) -> None:
        """What is still attended to once the text was completed counts from then on."""
        if not self.complete:
            return
        tail = weights[:, -3:].sum(0)
        self._tail[-tail.shape[0] :] += tail
        before = weights[:, :-5]
        if before.shape[1]:
            self._again += float(before.amax(1).sum())

    def _verdict(self, peak: int) -> Verdict:
        long_tail = self.complete and float(self._tail.max()) >= _TAIL_WEIGHT
        repetition = self.complete and self._again > _REPEAT_WEIGHT
        stuck = self._frames >= 3 and len(self._recent) == 2 and len(set(self._recent)) == 1
        if long_tail or repetition or stuck:
            return Verdict.STOP
        if peak < self.length - 3 and self.length > 5:
            return Verdict.GO_ON
        return Verdict.FREE
