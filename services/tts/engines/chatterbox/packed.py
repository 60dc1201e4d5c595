"""Linear layers on a CPU, their weights laid out once in the order in which oneDNN reads them.

torch gives a float32 product to MKL, with the weights as they lie. For the few rows of a step of
decoding that took three to five times as long on an AMD processor; others were not measured.
torch has this way for compiled models; here it is taken without a compiler. Sums come in another
order, so results differ by rounding.
"""

import os
from typing import Any

import torch
from torch import nn

os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256")
# oneDNN keeps a kernel for each number of rows that it has seen, 1,024 of them: over a
# gigabyte where texts have every length. One more costs 0.1 ms. Read at the first product.


class PackedLinear(nn.Module):  # type: ignore[misc]  # torch is absent where types are checked
    """A linear layer in float32 on a CPU.

    Args:
        weight: float32 [out, in].
        bias: float32 [out], or None.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous())
        self.bias = None if bias is None else bias.detach()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] to [..., out]."""
        made: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            x, self.weight, self.bias, "none", [], ""
        )
        return made


def pack(module: Any) -> Any:
    """Pack a module's linear layers, in place, where they are in float32 on a CPU."""
    if not torch.backends.mkldnn.is_available():
        return module
    for name, child in module.named_children():
        weight = _weight(child)
        if weight is None:
            pack(child)
        elif weight.dtype is torch.float32 and weight.device.type == "cpu":
            setattr(module, name, PackedLinear(weight, child.bias))
    return module


def _weight(layer: nn.Module) -> torch.Tensor | None:
    """[out, in] of a layer that is a linear one and nothing more.

    Not of other subclasses: whoever holds those may use their weights without calling them.
    """
    from transformers.pytorch_utils import Conv1D  # noqa: PLC0415 - slow to import

    if isinstance(layer, Conv1D):
        turned: torch.Tensor = layer.weight.T
        return turned
    if not isinstance(layer, nn.Linear):
        return None
    without_lora = getattr(layer, "lora_layer", layer) is None  # diffusers' own linear layer
    return layer.weight if type(layer) is nn.Linear or without_lora else None
