"""Which fused attention torch takes on a GPU from sm80 on, after its own rules.

They are read from its ``sdp_utils.cpp`` and ``attention.cpp``: flash attention takes no
mask and no float32; the memory-efficient kernel takes heads whose size is a multiple of 16
bytes, and a mask whose strides are multiples of 8, else the mask is copied at each call.
Newer torch may prefer cuDNN's on Hopper, which no rule here knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

_MASK_STRIDE = 8
_HEAD_BYTES = 16
_FLASH_HEAD = 256


@dataclass(frozen=True)
class Attended:
    """One call.

    Attributes:
        kernel: ``flash``, ``efficient`` or ``math``.
        dtype: of the query.
        queries: of a row.
        converted: whether a bool mask is made a bias at each call.
        copied: whether the mask is padded and copied at each call.
    """

    kernel: str
    dtype: torch.dtype
    queries: int
    converted: bool
    copied: bool


def same_place(tensors: Sequence[torch.Tensor]) -> None:
    """See that an operation is of one device and one precision."""
    assert len({one.device for one in tensors}) == 1, [one.device for one in tensors]
    kinds = {one.dtype for one in tensors if one.is_floating_point()}
    assert len(kinds) <= 1, kinds


def chosen(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
) -> Attended:
    """What torch would take for [rows, heads, tokens, size] each."""
    given = (query, key, value)
    size = query.shape[-1]
    dense = all(one.stride(-1) == 1 for one in given)
    placed = all(one.storage_offset() * one.element_size() % _HEAD_BYTES == 0 for one in given)
    if mask is None and query.dtype != torch.float32 and dense and size <= _FLASH_HEAD:
        kernel = "flash"
    elif dense and placed and size * query.element_size() % _HEAD_BYTES == 0:
        kernel = "efficient"
    else:
        kernel = "math"
    aligned = mask is None or (
        mask.stride(-1) == 1 and all(step % _MASK_STRIDE == 0 for step in mask.stride()[:-1])
    )
    converted = mask is not None and mask.dtype == torch.bool
    return Attended(kernel, query.dtype, query.shape[2], converted, not aligned)
