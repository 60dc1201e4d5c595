"""Packed linear layers give what the layers they stand for give."""

import copy
import os
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from services.tts.engines.chatterbox import flow
from services.tts.engines.chatterbox.flow import FlowRow, Reference
from services.tts.engines.chatterbox.packed import PackedLinear, pack
from services.tts.engines.chatterbox.variants import Variant
from tests.chatterbox import small

pytestmark = pytest.mark.skipif(small.DEVICE.type != "cpu", reason="packing is for CPUs")


@pytest.mark.parametrize("shape", [(1, 24), (7, 24), (0, 24), (24,), (2, 5, 24)], ids=str)
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_a_layer_gives_what_it_gave(shape: tuple[int, ...], bias: bool) -> None:
    layer = nn.Linear(24, 40, bias=bias)
    x = torch.randn(shape)
    with torch.inference_mode():
        made = pack(nn.Sequential(copy.deepcopy(layer)))(x)
        torch.testing.assert_close(made, layer(x), rtol=0, atol=1e-5)


def test_what_is_turned_over_is_read_as_it_lies() -> None:
    layer, turned = nn.Linear(24, 40), Conv1D(40, 24)
    turned.weight.data, turned.bias.data = layer.weight.data.T, layer.bias.data
    x = torch.randn(24, 6).T
    with torch.inference_mode():
        for given in (layer, turned):
            made = pack(nn.Sequential(copy.deepcopy(given)))(x)
            torch.testing.assert_close(made, layer(x), rtol=0, atol=1e-5)


def test_only_what_nobody_looks_into_is_packed() -> None:
    attention = nn.MultiheadAttention(8, 2)
    double = nn.Linear(8, 8).double()
    packed = pack(nn.ModuleList([attention, double, nn.Linear(8, 8)]))
    x = torch.randn(3, 8)
    with torch.inference_mode():
        assert packed[0](x, x, x)[0].shape == (3, 8)
    assert [type(layer) for layer in packed[1:]] == [nn.Linear, PackedLinear]


def test_kernels_kept_for_lengths_seen_are_bounded() -> None:
    assert int(os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"]) <= 256


@pytest.mark.parametrize("variant", [Variant.TURBO, Variant.ENGLISH], ids=lambda one: one.value)
def test_packed_mels_are_those_of_the_packages_layers(variant: Variant) -> None:
    plain = small.s3gen(variant)
    packed = pack(copy.deepcopy(plain))
    assert nn.Linear not in {type(layer) for layer in packed.flow.modules()}
    tokens = torch.randint(0, 6561, (30,), generator=torch.Generator().manual_seed(1))
    noise = torch.randn(80, 100, generator=torch.Generator().manual_seed(2))

    def mels(model: Any) -> list[torch.Tensor]:
        row = FlowRow(Reference.of(model.flow, small.reference(1)), tokens, noise, final=True)
        rows, turbo = [row, replace(row, final=False)], variant is Variant.TURBO
        return flow.mels(model.flow, rows, steps=2, meanflow=turbo)

    with torch.inference_mode():
        torch.testing.assert_close(mels(packed), mels(plain), rtol=0, atol=1e-4)
