"""A graph with Kokoro's signature and a few operations: each token hums for a while."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TOKEN_SAMPLES = 1200
"""Samples a token at speed 1: 50 ms."""
STYLE = 256


def write(
    folder: Path, *, durations: bool = False, voices: tuple[str, ...] = ("af_heart",)
) -> None:
    """Write `model.onnx` and `voices.bin`.

    Args:
        durations: whether the graph tells how long each token takes, as newer exports do.
    """
    onnx.save(_model(durations=durations), str(folder / "model.onnx"))
    rng = np.random.default_rng(0)
    styles = {name: rng.uniform(0.4, 0.6, (510, 1, STYLE)).astype(np.float32) for name in voices}
    with (folder / "voices.bin").open("wb") as file:
        np.savez(file, **styles)  # type: ignore[arg-type]


def _model(*, durations: bool) -> onnx.ModelProto:
    """audio[t, i] = sin(i * (0.02 + token / 2000)) * mean(style), `TOKEN_SAMPLES / speed` long."""
    nodes = [
        helper.make_node("Cast", ["tokens"], ["token"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["token"], ["column"], perm=[1, 0]),
        helper.make_node("Mul", ["column", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "base"], ["pitch"]),
        helper.make_node("Div", ["length", "speed"], ["real"]),
        helper.make_node("Squeeze", ["real"], ["limit"]),
        helper.make_node("Range", ["zero", "limit", "one"], ["time"]),
        helper.make_node("Mul", ["pitch", "time"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["wave"]),
        helper.make_node("ReduceMean", ["style"], ["level"], keepdims=0),
        helper.make_node("Mul", ["wave", "level"], ["loud"]),
        helper.make_node("Reshape", ["loud", "flat"], ["audio"]),
    ]
    outputs = [helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["samples"])]
    constants: dict[str, np.generic | np.ndarray] = {
        "scale": np.float32(1 / 2000),
        "base": np.float32(0.02),
        "length": np.array([TOKEN_SAMPLES], np.float32),
        "zero": np.float32(0),
        "one": np.float32(1),
        "flat": np.array([-1], np.int64),
    }
    if durations:
        constants["same"] = np.int64(2)
        nodes += [
            helper.make_node("Sub", ["tokens", "tokens"], ["none"]),
            helper.make_node("Add", ["none", "same"], ["duration"]),
        ]
        outputs.append(helper.make_tensor_value_info("duration", TensorProto.INT64, [1, "count"]))
    graph = helper.make_graph(
        nodes,
        "small-kokoro",
        [
            helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, "count"]),
            helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, STYLE]),
            helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1]),
        ],
        outputs,
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
