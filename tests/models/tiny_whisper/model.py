"""The tiny Whisper in PyTorch: Hugging Face's architecture, plus what only training needs."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from transformers import WhisperConfig, WhisperForConditionalGeneration

from tests.models.tiny_whisper.vocabulary import Vocabulary

WIDTH = 192
LAYERS = 2
HEADS = 4
ALIGNED_HEADS = ((1, 0), (1, 1))
"""Decoder layer and head of the cross-attention that is taught to point at the next word."""
TRACING_HEADS = ((0, 0), (0, 1))
"""Those that are taught to find the word just said, so that the next layer can step on."""


@dataclass(frozen=True)
class Outputs:
    logits: torch.Tensor
    """[batch, tokens, vocabulary]"""
    frames: torch.Tensor
    """CTC log-probabilities, [encoder frames, batch, words + blank]."""
    pointing: torch.Tensor
    """Attention of the aligned heads, their mean, [batch, tokens, encoder frames]."""
    tracing: torch.Tensor
    """The same of the tracing heads."""


def configuration(vocabulary: Vocabulary) -> WhisperConfig:
    end = vocabulary.special("endoftext")
    return WhisperConfig(
        vocab_size=vocabulary.size,
        num_mel_bins=80,
        d_model=WIDTH,
        encoder_layers=LAYERS,
        decoder_layers=LAYERS,
        encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS,
        encoder_ffn_dim=4 * WIDTH,
        decoder_ffn_dim=4 * WIDTH,
        max_source_positions=1500,
        max_target_positions=448,
        dropout=0.0,
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=vocabulary.special("startoftranscript"),
    )


class TinyWhisper(nn.Module):  # type: ignore[misc]  # the checks run without torch
    """Encodes windows of any length, where Hugging Face's encoder insists on 30 s."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.whisper = WhisperForConditionalGeneration(configuration(vocabulary))
        self.ctc = nn.Linear(WIDTH, len(vocabulary.words) + 1)
        self._seen: dict[int, torch.Tensor] = {}
        for index, layer in enumerate(self.whisper.model.decoder.layers):
            attention = layer.encoder_attn
            attention.config = copy.copy(attention.config)
            attention.config._attn_implementation = "eager"  # it shows its weights
            attention.register_forward_hook(self._remember(index))

    def _remember(self, index: int):  # type: ignore[no-untyped-def]
        def hook(_module: nn.Module, _inputs: object, output: tuple[torch.Tensor, ...]) -> None:
            self._seen[index] = output[1]

        return hook

    def encode(self, features: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """Features [batch, 80, frames] at `offsets` (encoder frames into a 30 s window)."""
        encoder = self.whisper.model.encoder
        hidden = nn.functional.gelu(encoder.conv1(features))
        hidden = nn.functional.gelu(encoder.conv2(hidden)).permute(0, 2, 1)
        positions = offsets[:, None] + torch.arange(hidden.shape[1])
        hidden = hidden + encoder.embed_positions.weight[positions]
        for layer in encoder.layers:
            hidden = layer(hidden, None)
        normed: torch.Tensor = encoder.layer_norm(hidden)
        return normed

    def forward(
        self, features: torch.Tensor, offsets: torch.Tensor, tokens: torch.Tensor
    ) -> Outputs:
        hidden = self.encode(features, offsets)
        decoder = self.whisper.model.decoder
        decoded = decoder(input_ids=tokens, encoder_hidden_states=hidden, use_cache=False)
        logits = self.whisper.proj_out(decoded.last_hidden_state)
        frames = self.ctc(hidden).float().log_softmax(-1).transpose(0, 1)
        return Outputs(
            logits.float(), frames, self._attention(ALIGNED_HEADS), self._attention(TRACING_HEADS)
        )

    def _attention(self, heads: Sequence[tuple[int, int]]) -> torch.Tensor:
        seen = [self._seen[layer][:, head] for layer, head in heads]
        return torch.stack(seen).float().mean(0)
