"""One pass of the flow's U-Net, without the checks that make the CPU wait for a GPU.

The layers are the package's. Its own ``forward`` asks at every block whether a mask is
empty, which costs a round trip to the device each time; here the mask's bias is made
once.
"""

from dataclasses import dataclass
from typing import Any

import torch

_HIDDEN = -1.0e10
"""Added to attention scores of padding; the package's value."""


def velocity(
    net: Any,
    x: torch.Tensor,
    *,
    mask: torch.Tensor,
    mu: torch.Tensor,
    speakers: torch.Tensor,
    conditions: torch.Tensor,
    now: torch.Tensor,
    then: torch.Tensor,
) -> torch.Tensor:
    """Direction [rows, 80, frames] in which the mels change.

    Args:
        net: the package's ``ConditionalDecoder``.
        x: [rows, 80, frames].
        mask: float [rows, 1, frames], 1 where a row has frames.
        mu: encoded tokens [rows, 80, frames].
        speakers: [rows, 80].
        conditions: mels of the prompt [rows, 80, frames].
        now: time of the step, a scalar.
        then: time of the next step; only the distilled model looks at it.
    """
    time = _time(net, now, then)
    bias = (1.0 - mask) * _HIDDEN
    spread = speakers[:, :, None].expand(-1, -1, x.shape[2])
    x = torch.cat((x, mu, spread, conditions), dim=1)
    here = _Place(mask, bias, time)
    skipped = []
    for resnet, blocks, down in net.down_blocks:
        x = _stage(resnet, blocks, x, here)
        skipped.append(x)
        x = down(x * mask)
    for resnet, blocks in net.mid_blocks:
        x = _stage(resnet, blocks, x, here)
    for resnet, blocks, up in net.up_blocks:
        x = _stage(resnet, blocks, torch.cat((x, skipped.pop()), dim=1), here)
        x = up(x * mask)
    return net.final_proj(net.final_block(x, mask) * mask) * mask


def _time(net: Any, now: torch.Tensor, then: torch.Tensor) -> torch.Tensor:
    """Embedding [1, width] of a step's time, for the distilled model of its span."""
    embedded = net.time_mlp(net.time_embeddings(now[None]).to(now.dtype))
    if not net.meanflow:
        return embedded
    end = net.time_mlp(net.time_embeddings(then[None]).to(now.dtype))
    return net.time_embed_mixer(torch.cat((embedded, end), dim=1))


@dataclass(frozen=True, slots=True)
class _Place:
    """What all stages of a pass share."""

    mask: torch.Tensor
    bias: torch.Tensor
    time: torch.Tensor


def _stage(resnet: Any, blocks: Any, x: torch.Tensor, here: _Place) -> torch.Tensor:
    x = resnet(x, here.mask, here.time).transpose(1, 2).contiguous()
    for block in blocks:
        x = block(hidden_states=x, attention_mask=here.bias, timestep=here.time)
    return x.transpose(1, 2).contiguous()
