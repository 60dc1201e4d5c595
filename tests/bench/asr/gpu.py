"""Whisper at full size on a GPU; random weights of the true shape where none are on disk."""

import shutil
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import ctranslate2

from services.asr.engines.whisper.load import Device, find, load, preload_cuda
from services.asr.engines.whisper.model import WhisperModel
from tests.bench.asr.batching import batched, interleaved, one_by_one, windows
from tests.bench.report import Table
from tests.models.random_whisper import Shape, write

SIZES = (1, 2, 4, 8, 16, 32)
COMPUTE_TYPES = ("float16", "int8_float16")


@dataclass(frozen=True, slots=True)
class FullSize:
    """A checkpoint of OpenAI's, by its shape."""

    name: str
    shape: Shape


MODELS = (
    FullSize("large-v3", Shape(1280, 20, 32, 128, words=50_257, end_bias=2.0)),
    FullSize(
        "large-v3-turbo", Shape(1280, 20, 32, 128, words=50_257, end_bias=2.0, decoder_layers=4)
    ),
)
COLUMNS = ("model", "numbers", "windows", "windows/s", "× one at a time", "equal texts")


def tables() -> list[Table]:
    """One table; it says why where nothing could be measured."""
    preload_cuda()
    try:
        found = ctranslate2.get_cuda_device_count()
    except RuntimeError as error:
        return [_not_measured(str(error))]
    if not found:
        return [_not_measured("this machine has no CUDA device that CTranslate2 can use")]
    rows = [row for model in MODELS for row in _rows(model)]
    return [
        Table(
            "Batches on a GPU",
            COLUMNS,
            rows,
            (
                "Turns of 1 to 5 s, each a 30 s window, greedy, with word times. Models marked "
                "random have the true shape and random weights: their speed is real, their "
                "texts are not, and equal texts is the share of a batch's windows whose text "
                "is that of the window alone.",
            ),
        )
    ]


def _rows(model: FullSize) -> list[list[str | float]]:
    known = find(model.name)
    with tempfile.TemporaryDirectory() as folder:
        path = known or write(Path(folder) / "model", model.shape, quantization="float16")
        name = model.name if known else f"{model.name} (random)"
        rows: list[list[str | float]] = []
        for numbers in COMPUTE_TYPES:
            rows += _sizes(path, name, Device("cuda", 0, numbers, 0))
        shutil.rmtree(folder, ignore_errors=True)
    return rows


def _sizes(path: Path, name: str, device: Device) -> list[list[str | float]]:
    model = WhisperModel(load(path, name, device), max_batch=max(SIZES))
    rows: list[list[str | float]] = []
    for size in SIZES:
        requests = windows(size)
        together, alone = batched(model, requests), one_by_one(model, requests)
        equal = sum(a.text == b.text for a, b in zip(together, alone, strict=True))
        batch, single = interleaved(
            (
                partial(batched, model, requests),
                partial(one_by_one, model, requests),
            ),
            3,
        )
        rows.append(
            [
                name,
                device.compute_type,
                str(size),
                size / batch,
                single / batch,
                f"{equal} of {size}",
            ]
        )
    return rows


def _not_measured(reason: str) -> Table:
    note = f"Not measured: {reason}. `make bench-asr BENCH=asr-gpu` measures it where there is one."
    return Table("Batches on a GPU", COLUMNS, [["not measured", *["-"] * 5]], (note,))
