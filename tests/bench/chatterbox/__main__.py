"""`make bench-chatterbox`: Chatterbox beside its package, into docs/benchmarks.md.

What is short is measured first, and what would not end within `--minutes` is left out and
named, so that one run ends on any machine. `--quick` asks for less from the start.
"""

import argparse
import contextlib
import io
import math
import statistics
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version

import torch

from services.tts.engines.chatterbox.load import Models
from tests.bench.chatterbox import precision, tokens, weights
from tests.bench.chatterbox.grid import Cell, Grid
from tests.bench.report import Table, write

_CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
_QUICK = {"sizes": "1,4", "seconds": "3", "requests": "1,2", "minutes": 6.0}
_REQUESTS = {"cuda": "1,2,4,8,16,32", "cpu": "1,2,4"}


def main() -> int:
    """Measure, print, and write the sections, each row as it is made."""
    arguments = _parser().parse_args()
    for name, value in _QUICK.items() if arguments.quick else ():
        setattr(arguments, name, value)
    if arguments.small:
        arguments.seconds = "3"  # they know no positions for more
    ends = time.perf_counter() + 60 * arguments.minutes
    device = torch.device(arguments.device)
    arguments.requests = arguments.requests or _REQUESTS[device.type]
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.backends.cuda.matmul.allow_tf32 = arguments.tf32
    make = weights.small_models if arguments.small else weights.models
    with contextlib.redirect_stdout(io.StringIO()):
        models = make(device)
    if arguments.sizes:
        _decode(models, arguments)
    if arguments.precision or device.type == "cuda":
        _agree(models, arguments)
    if arguments.seconds:
        _speak(models, arguments, ends)
    return 0


def _save(name: str, title: str, table: Table, arguments: argparse.Namespace) -> None:
    asked = " ".join(sys.argv[1:])
    command = f"make bench-chatterbox BENCH='{asked}'" if asked else "make bench-chatterbox"
    if torch.device(arguments.device).type == "cuda":  # beside the CPU's figures, not over them
        name, title = f"{name}-gpu{'-tf32' * arguments.tf32}", f"{title} on a GPU"
    if not arguments.small:
        write(name, title, command, [table])


def _show(table: Table) -> None:
    sys.stdout.write(table.markdown() + "\n\n")
    sys.stdout.flush()


def _decode(models: Models, arguments: argparse.Namespace) -> None:
    table = Table(
        f"Decoding of speech tokens, turbo, {_weights(arguments)}",
        (
            "requests at once", "ours, tokens/s", "package one by one, tokens/s", "ratio",
            "ours with the package's linear layers", "ratio",
        ),
        rows := [],
        _notes(
            arguments,
            "Prompts of 436 tokens done before; the median of 12 steps. 25 tokens are 1 s.",
        ),
    )  # fmt: skip
    made = tokens.rates(models, _numbers(arguments.sizes), _CLOCKS[arguments.clock])
    while True:
        with contextlib.redirect_stdout(io.StringIO()):
            one = next(made, None)
        if one is None:
            break
        rows.append((
            str(one.requests), one.ours, one.package, one.ours / one.package,
            one.unpacked, one.unpacked / one.package,
        ))  # fmt: skip
        _save("chatterbox-tokens", "TTS: Chatterbox, tokens", table, arguments)
    _show(table)


def _agree(models: Models, arguments: argparse.Namespace) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        made = precision.agreement(models, requests=16, count=50)
    gaps = [f"{gap:.3g}" for gap in (made.gaps[:1] + made.gaps[-1:])]
    table = Table(
        f"Greedy tokens in bfloat16 and in float32, turbo, {_weights(arguments)}",
        ("equal before the first difference", "rows that differed", "gap there", "usual gap"),
        [(
            f"{100 * made.share:.0f} %", f"{len(made.gaps)} of 16", " to ".join(gaps) or "-",
            made.usual,
        )],
        _notes(
            arguments,
            "50 tokens each. The gap is that between the two best logits in float32; random "
            "weights make near ties common, trained ones have fewer.",
        ),
    )  # fmt: skip
    _save("chatterbox-precision", "TTS: Chatterbox, bfloat16", table, arguments)
    _show(table)


def _speak(models: Models, arguments: argparse.Namespace, ends: float) -> None:
    def show(cells: Sequence[Cell]) -> None:
        table = _speech(cells, arguments, grid.omitted())
        _save("chatterbox-speech", "TTS: Chatterbox, speech", table, arguments)

    grid = Grid(models, _CLOCKS[arguments.clock], ends, show)
    cells = grid.run(_numbers(arguments.seconds), _numbers(arguments.requests), (25, 50, 0))
    show(cells)
    _show(_speech(cells, arguments, grid.omitted()))


def _speech(cells: Sequence[Cell], arguments: argparse.Namespace, omitted: str) -> Table:
    return Table(
        f"Text to sound, turbo, {_weights(arguments)}",
        (
            "sound of each", "requests", "chunk_size", "first chunk, median", "95 %",
            "all of it", "s per s of sound", "× the package", "underruns",
            "T3 / flow / vocoder / mark",
        ),
        [_row(cell) for cell in cells],
        _notes(
            arguments,
            "Voices of 15 s (T3) and 10 s (S3Gen), spoken once before; all requests begin "
            "together. What is not streamed is made in one piece. The package speaks "
            "requests one after another: one was measured, several take as many times as long. "
            "Underruns: of clients that play in real time from their first chunk on, all clients "
            "together." + omitted,
        ),
    )  # fmt: skip


def _row(cell: Cell) -> tuple[str | float, ...]:
    made = cell.made
    return (
        f"{cell.seconds} s",
        str(cell.requests) if cell.ours else f"package, {cell.requests}",
        str(cell.chunk) if cell.chunk else "not streamed",
        _seconds(statistics.median(made.first)),
        _seconds(sorted(made.first)[math.ceil(0.95 * len(made.first)) - 1]),
        _seconds(made.took),
        made.factor,
        cell.gain if cell.ours else "1",
        str(made.underruns) if cell.chunk else "-",
        " / ".join(f"{100 * share:.0f} %" for share in made.shares.values()) or "-",
    )


def _seconds(took: float) -> str:
    return f"{1000 * took:.0f} ms" if took < 1 else f"{took:.1f} s"


def _notes(arguments: argparse.Namespace, note: str) -> tuple[str, ...]:
    versions = ", ".join(
        f"{package} {version(package)}" for package in ("chatterbox-tts", "torch", "transformers")
    )
    device = torch.device(arguments.device)
    where = "CPU, float32"
    if device.type == "cuda":
        sums = "TF32" if arguments.tf32 else "float32"
        name = torch.cuda.get_device_name(device)
        where = f"{name}, T3 in bfloat16 (the package's, too), S3Gen's matrix products in {sums}"
    clock = {
        "wall": "seconds of the clock",
        "cpu": "seconds of processor time, on a machine whose cores others used too",
    }[arguments.clock]
    return (f"{note} {where}, {torch.get_num_threads()} threads, {versions}; {clock}.",)


def _weights(arguments: argparse.Namespace) -> str:
    return "small random weights" if arguments.small else "full size, random weights"


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.chatterbox")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0: torch's choice")
    parser.add_argument("--clock", choices=_CLOCKS, default="wall")
    parser.add_argument("--sizes", default="1,2,4,8,16,32", help="requests of the token table")
    parser.add_argument("--seconds", default="3,8,20", help="lengths of the speech table")
    parser.add_argument("--requests", help="requests of the speech table")
    parser.add_argument("--minutes", type=float, default=23, help="for all of it")
    parser.add_argument("--precision", action="store_true", help="of bfloat16; on CUDA always")
    parser.add_argument("--tf32", action="store_true", help="CUDA: S3Gen's matrix products")
    parser.add_argument("--quick", action="store_true", help="3 s of sound, and 6 minutes")
    parser.add_argument(
        "--small", action="store_true", help="the tests' weights; nothing is written"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
