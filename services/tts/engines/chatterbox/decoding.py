"""One request in the running batch: its rows, its tokens, its end."""

from dataclasses import dataclass, field
from enum import Enum

import torch

from services.tts.engines.chatterbox.alignment import TextAlignment
from services.tts.engines.chatterbox.guards import Limits, LoopGuard
from services.tts.engines.chatterbox.prompt import Prompt
from services.tts.engines.chatterbox.variants import STOP_TOKEN, SamplingParams


class End(Enum):
    """Why a decoding is over."""

    SPOKEN = "the model ended it"
    BUDGET = "longer than the text can be"
    LOOP = "the same tokens over and over"


@dataclass(slots=True, eq=False)
class Decoding:
    """One request's rows in the batch.

    Attributes:
        slots: one, or two with guidance: with the text, without it.
        position: tokens of it in the cache.
        tokens: speech tokens so far, without the one that ends.
    """

    prompt: Prompt
    params: SamplingParams
    limits: Limits
    slots: tuple[int, ...]
    generator: torch.Generator
    alignment: TextAlignment | None
    position: int = 0
    tokens: list[int] = field(default_factory=list)
    end: End | None = None
    loop: LoopGuard = field(default_factory=LoopGuard)

    @property
    def missing(self) -> int:
        """Prompt tokens that are not in the cache yet."""
        return max(0, self.prompt.length - self.position)

    def take(self, token: int) -> None:
        """Note a drawn token."""
        if token == STOP_TOKEN:
            self.end = End.SPOKEN
            return
        self.tokens.append(token)
        if self.limits.loops and self.loop.feed(token):
            self.end = End.LOOP
        elif len(self.tokens) >= self.limits.most:
            self.end = End.BUDGET
