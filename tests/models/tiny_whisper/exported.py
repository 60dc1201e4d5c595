"""Reads an exported model back into the network, so that training can go on from `weights/`.

The layout is that of CTranslate2's `model.bin`, version 6 (its `model_spec.py`): little-endian
counts, names that end with a zero byte, and rows of int8 with one scale each. What only training
needs (the CTC head) is not in an export and starts anew.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import torch

from tests.models.tiny_whisper.model import LAYERS, TinyWhisper

VERSION = 6
_TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)

Arrays = dict[str, torch.Tensor]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, kind: str) -> int:
        (value,) = struct.unpack_from("<" + kind, self._data, self._at)
        self._at += struct.calcsize("<" + kind)
        return int(value)

    def name(self) -> str:
        return self.take(self.number("H"))[:-1].decode()

    def take(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]

    def array(self) -> torch.Tensor:
        shape = [self.number("I") for _ in range(self.number("B"))]
        kind = _TYPES[self.number("B")]
        values = np.frombuffer(self.take(self.number("I")), kind).reshape(shape)
        return torch.from_numpy(values.astype(np.float32))


def read(path: Path) -> Arrays:
    """Every variable of a `model.bin` in float32; ValueError if it is of another version."""
    reader = _Reader(path.read_bytes())
    if (version := reader.number("I")) != VERSION:
        raise ValueError(f"{path} is of version {version}, not {VERSION}")
    reader.name()
    reader.number("I")
    stored = {reader.name(): reader.array() for _ in range(reader.number("I"))}
    scales = {name: stored.pop(name) for name in list(stored) if name.endswith("_scale")}
    for name, scale in scales.items():
        whole = stored[name.removesuffix("_scale")]
        whole /= scale.reshape(-1, *[1] * (whole.dim() - 1))
    return stored


def _linear(arrays: Arrays, ours: str, theirs: str) -> Arrays:
    return {f"{ours}.{part}": arrays[f"{theirs}/{part}"] for part in ("weight", "bias")}


def _norm(arrays: Arrays, ours: str, theirs: str) -> Arrays:
    return {
        f"{ours}.weight": arrays[f"{theirs}/gamma"],
        f"{ours}.bias": arrays[f"{theirs}/beta"],
    }


def _attention(arrays: Arrays, ours: str, theirs: str) -> Arrays:
    """CTranslate2 fuses queries, keys and values, or keys and values where queries come apart."""
    fused = [part for part in (0, 1) if f"{theirs}/linear_{part + 1}/weight" in arrays]
    found: Arrays = {}
    for part in ("weight", "bias"):
        rows = torch.cat([arrays[f"{theirs}/linear_{index}/{part}"] for index in fused])
        for name, value in zip(("q_proj", "k_proj", "v_proj"), rows.chunk(3), strict=True):
            found[f"{ours}.{name}.{part}"] = value
    del found[f"{ours}.k_proj.bias"]  # Whisper's keys have none
    return found | _linear(arrays, f"{ours}.out_proj", f"{theirs}/linear_{len(fused)}")


def _layer(arrays: Arrays, side: str, index: int) -> Arrays:
    ours, theirs = f"model.{side}.layers.{index}", f"{side}/layer_{index}"
    heard = {
        **_attention(arrays, f"{ours}.self_attn", f"{theirs}/self_attention"),
        **_norm(arrays, f"{ours}.self_attn_layer_norm", f"{theirs}/self_attention/layer_norm"),
        **_norm(arrays, f"{ours}.final_layer_norm", f"{theirs}/ffn/layer_norm"),
        **_linear(arrays, f"{ours}.fc1", f"{theirs}/ffn/linear_0"),
        **_linear(arrays, f"{ours}.fc2", f"{theirs}/ffn/linear_1"),
    }
    if side == "decoder":
        heard |= _attention(arrays, f"{ours}.encoder_attn", f"{theirs}/attention")
        heard |= _norm(arrays, f"{ours}.encoder_attn_layer_norm", f"{theirs}/attention/layer_norm")
    return heard


def load(model: TinyWhisper, path: Path) -> None:
    """Puts the weights of `path`, a `model.bin`, into `model`; the CTC head stays as it is."""
    arrays = read(path)
    state: Arrays = {
        **_linear(arrays, "model.encoder.conv1", "encoder/conv1"),
        **_linear(arrays, "model.encoder.conv2", "encoder/conv2"),
        "model.encoder.embed_positions.weight": arrays["encoder/position_encodings/encodings"],
        "model.decoder.embed_positions.weight": arrays["decoder/position_encodings/encodings"],
        "model.decoder.embed_tokens.weight": arrays["decoder/embeddings/weight"],
        "proj_out.weight": arrays["decoder/embeddings/weight"],
    }
    for side in ("encoder", "decoder"):
        state |= _norm(arrays, f"model.{side}.layer_norm", f"{side}/layer_norm")
        for index in range(LAYERS):
            state |= _layer(arrays, side, index)
    model.whisper.load_state_dict(state)
