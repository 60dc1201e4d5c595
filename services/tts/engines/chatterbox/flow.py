"""S3Gen's flow: speech tokens to mel frames, several requests in one batch.

The package packs prompt and tokens of a batch with padding between them and shares the
prompt's mels and the cut, so its batch is right only for rows of one length. Here each
row is packed to the left — prompt, context, new tokens — and has its own conditions,
mask, noise and cut. Padding is zeroed wherever a layer looks to the right, so that a row
comes out as it would alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch.nn.functional import normalize
from torch.nn.utils.rnn import pad_sequence

from services.tts.engines.chatterbox.device import check_range, sent
from services.tts.engines.chatterbox.estimator import velocity

FRAMES_PER_TOKEN = 2
LOOK_AHEAD = 3
"""Tokens at the end whose frames are not made until more is known."""


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One request's part of a batch.

    Attributes:
        reference: the voice (the package's ``ref_dict``).
        tokens: int64 [tokens], context and new ones.
        noise: [80, frames] for prompt and tokens, frames as in :meth:`frames`.
        final: whether the last token is the utterance's.
    """

    reference: "Reference"
    tokens: torch.Tensor
    noise: torch.Tensor
    final: bool

    @property
    def length(self) -> int:
        """Tokens, the prompt's among them."""
        return int(self.reference.tokens.shape[0] + self.tokens.shape[0])

    @property
    def frames(self) -> int:
        """Mel frames made, the prompt's among them."""
        known = self.length if self.final else self.length - LOOK_AHEAD
        return known * FRAMES_PER_TOKEN


@dataclass(frozen=True, slots=True)
class Reference:
    """A voice as the flow knows it.

    Attributes:
        tokens: int64 [tokens] of the recording.
        mels: [2 * tokens, 80] of the recording.
        speaker: [80], the projected speaker embedding.
    """

    tokens: torch.Tensor
    mels: torch.Tensor
    speaker: torch.Tensor

    @classmethod
    def of(cls, flow: Any, conditions: dict[str, Any]) -> "Reference":
        """Prepare what every chunk in this voice needs; the result is kept per voice.

        Raises:
            ValueError: there are tokens that the model does not know.
        """
        weight = flow.spk_embed_affine_layer.weight
        length = int(conditions["prompt_token_len"][0])
        tokens = conditions["prompt_token"][0, :length]
        check_range(tokens, flow.input_embedding.num_embeddings)
        mels = conditions["prompt_feat"][0, : length * FRAMES_PER_TOKEN]
        embedding = torch.atleast_2d(sent(conditions["embedding"], weight.device, weight.dtype))
        speaker = flow.spk_embed_affine_layer(normalize(embedding, dim=1))[0]
        return cls(
            sent(tokens, weight.device, torch.long),
            sent(mels, weight.device, weight.dtype),
            speaker,
        )


def mels(flow: Any, rows: Sequence[FlowRow], *, steps: int, meanflow: bool) -> list[torch.Tensor]:
    """Make the rows' mel frames.

    Args:
        flow: the package's flow module.
        rows: at least one.
        steps: of the solver.
        meanflow: whether the model is the distilled one (turbo).

    Returns:
        Per row [80, frames] of its tokens, the prompt's cut off.
    """
    device = flow.input_embedding.weight.device
    tokens = pad_sequence([torch.cat((row.reference.tokens, row.tokens)) for row in rows], True)
    lengths = sent([row.length for row in rows], device)
    encoded = flow.encoder_proj(_encode(flow, tokens, lengths)).transpose(1, 2)
    frames = sent([row.frames for row in rows], device)
    width = max(row.frames for row in rows)
    mask = _valid(frames, width).to(encoded)
    made = _solve(
        flow.decoder,
        noise=_stacked([row.noise[:, : row.frames] for row in rows], width),
        mu=encoded[:, :, :width].contiguous(),
        mask=mask,
        speakers=torch.stack([row.reference.speaker for row in rows]),
        conditions=_stacked([row.reference.mels.T for row in rows], width),
        times=_times(flow.decoder, steps, meanflow=meanflow, like=encoded),
        guided=not meanflow,
    )
    return [
        one[:, row.reference.mels.shape[0] : row.frames]
        for one, row in zip(made, rows, strict=True)
    ]


def _valid(lengths: torch.Tensor, width: int) -> torch.Tensor:
    """Bool [rows, 1, width]."""
    return (torch.arange(width, device=lengths.device) < lengths[:, None])[:, None]


def _stacked(rows: Sequence[torch.Tensor], width: int) -> torch.Tensor:
    """[channels, frames] each, to [rows, channels, width], padded with zeros on the right."""
    out = rows[0].new_zeros(len(rows), rows[0].shape[0], width)
    for index, row in enumerate(rows):
        kept = min(width, row.shape[1])
        out[index, :, :kept] = row[:, :kept]
    return out


def _encode(flow: Any, tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Tokens [rows, length] to [rows, 2 * length, width]."""
    encoder = flow.encoder
    mask = _valid(lengths, tokens.shape[1])
    x = flow.input_embedding(tokens) * mask.transpose(1, 2)
    x, places, _ = encoder.embed(x, mask)
    x = encoder.pre_lookahead_layer(x * mask.transpose(1, 2))
    x = encoder.forward_layers(x, mask, places, mask)
    x, _ = encoder.up_layer(x.transpose(1, 2).contiguous(), lengths)
    mask = _valid(lengths * FRAMES_PER_TOKEN, x.shape[2])
    x, places, _ = encoder.up_embed(x.transpose(1, 2).contiguous(), mask)
    return encoder.after_norm(encoder.forward_up_layers(x, mask, places, mask))


def _times(decoder: Any, steps: int, *, meanflow: bool, like: torch.Tensor) -> torch.Tensor:
    times = torch.linspace(0, 1, steps + 1, device=like.device, dtype=like.dtype)
    if not meanflow and decoder.t_scheduler == "cosine":
        return 1 - torch.cos(times * 0.5 * torch.pi)
    return times


def _solve(
    decoder: Any,
    *,
    noise: torch.Tensor,
    mu: torch.Tensor,
    mask: torch.Tensor,
    speakers: torch.Tensor,
    conditions: torch.Tensor,
    times: torch.Tensor,
    guided: bool,
) -> torch.Tensor:
    """Euler steps from noise to mels; with guidance two passes in one batch per step."""
    x = noise
    if guided:
        mask = mask.repeat(2, 1, 1)
        mu, speakers, conditions = (
            torch.cat((given, torch.zeros_like(given))) for given in (mu, speakers, conditions)
        )
    for now, then in pairwise(times):
        slope = velocity(
            decoder.estimator,
            x.repeat(2, 1, 1) if guided else x,
            mask=mask,
            mu=mu,
            speakers=speakers,
            conditions=conditions,
            now=now,
            then=then,
        )
        if guided:
            wanted, free = slope.chunk(2)
            slope = (1 + decoder.inference_cfg_rate) * wanted - decoder.inference_cfg_rate * free
        x = x + (then - now) * slope
    return x
