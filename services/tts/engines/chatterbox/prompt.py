"""The embeddings that a decoding starts from: voice, text, the mark that starts speech.

They are the package's ``prepare_input_embeds`` put together per request, with the row
without text (for guidance) beside the row with it where it is wanted.
"""

import sys
from dataclasses import dataclass
from typing import Any

import torch

from services.tts.engines.chatterbox.variants import START_TOKEN


@dataclass(frozen=True, slots=True)
class Prompt:
    """What one request's rows begin with.

    Attributes:
        rows: embeddings [rows, length, width]; two rows with guidance, else one.
        voice: tokens of it that depend on the voice and emotion alone, the same in both
            rows.
        text: first and last + 1 position of the text, marks included.
        key: names the voice and emotion, for keeping the first ``voice`` tokens' work.
    """

    rows: torch.Tensor
    voice: int
    text: tuple[int, int]
    key: tuple[str, float]

    @property
    def length(self) -> int:
        """Tokens per row."""
        return int(self.rows.shape[1])


def build(
    t3: Any,
    conditions: Any,
    text_tokens: torch.Tensor,
    *,
    key: tuple[str, float],
    guided: bool,
) -> Prompt:
    """Put a prompt together.

    Args:
        t3: the model.
        conditions: its ``T3Cond`` for the voice and emotion.
        text_tokens: int64 [tokens]; english and multilingual with their marks.
        key: see :class:`Prompt`.
        guided: whether to add the row without text.
    """
    voice = t3.prepare_conditioning(conditions)[0]
    text = t3.text_emb(text_tokens)
    texts = torch.stack((text, torch.zeros_like(text))) if guided else text[None]
    start = speech(t3, text_tokens.new_full((1,), START_TOKEN), text_tokens.new_zeros(1))
    if not t3.is_gpt:
        texts = texts + t3.text_pos_emb(text_tokens[None])
        start = start.expand(2, -1)  # the package feeds the mark twice, and so it was tuned
    rows = texts.shape[0]
    whole = torch.cat((voice.expand(rows, -1, -1), texts, start.expand(rows, -1, -1)), dim=1)
    first = voice.shape[0]
    return Prompt(whole, first, (first, first + texts.shape[1]), key)


def speech_positions(t3: Any) -> int:
    """Speech tokens after which the model knows no position for the next one."""
    return sys.maxsize if t3.is_gpt else int(t3.speech_pos_emb.emb.num_embeddings)


def speech(t3: Any, tokens: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """Embeddings [tokens, width] of speech tokens.

    Args:
        t3: the model.
        tokens: int64 [tokens].
        steps: int64 [tokens]: how many tokens were spoken before each.
    """
    embedded = t3.speech_emb(tokens)
    if t3.is_gpt:
        return embedded
    return embedded + t3.speech_pos_emb.emb(steps)
