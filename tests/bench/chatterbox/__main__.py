"""`make bench-chatterbox`: Chatterbox beside its package, into docs/benchmarks.md.

What is short is measured first, and what would not end within `--minutes` is left out and
named, so that one run ends on any machine. `--quick` asks for less from the start.
"""

import argparse
import contextlib
import io
import statistics
import sys
import time
from importlib.metadata import version

import torch

from services.tts.engines.chatterbox.load import Models
from tests.bench.chatterbox import tokens, weights
from tests.bench.chatterbox.grid import Cell, Grid
from tests.bench.report import Table, write

_CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
_QUICK = {"sizes": "1,4", "seconds": "3", "requests": "1,2", "minutes": 6.0}


def main() -> int:
    """Measure, print, and write the sections."""
    arguments = _parser().parse_args()
    for name, value in _QUICK.items() if arguments.quick else ():
        setattr(arguments, name, value)
    ends = time.perf_counter() + 60 * arguments.minutes
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    make = weights.small_models if arguments.small else weights.models
    with contextlib.redirect_stdout(io.StringIO()):
        models = make(torch.device(arguments.device))
    if arguments.sizes:
        _save("chatterbox-tokens", "TTS: Chatterbox, tokens", _decoding(models, arguments))
    if arguments.seconds:
        grid = Grid(models, _CLOCKS[arguments.clock], ends)
        table = _speaking(grid, arguments)
        _save("chatterbox-speech", "TTS: Chatterbox, speech", table)
    return 0


def _save(name: str, title: str, table: Table) -> None:
    arguments = " ".join(sys.argv[1:])
    command = f"make bench-chatterbox BENCH='{arguments}'" if arguments else "make bench-chatterbox"
    if "--small" not in sys.argv:
        write(name, title, command, [table])
    sys.stdout.write(table.markdown() + "\n\n")
    sys.stdout.flush()


def _decoding(models: Models, arguments: argparse.Namespace) -> Table:
    clock = _CLOCKS[arguments.clock]
    with contextlib.redirect_stdout(io.StringIO()):
        rates = tokens.rates(models, _numbers(arguments.sizes), clock)
    return Table(
        f"Decoding of speech tokens, turbo, {_weights(arguments)}",
        ("requests at once", "ours, tokens/s", "package one by one, tokens/s", "ratio"),
        [(str(one.requests), one.ours, one.package, one.ours / one.package) for one in rates],
        _notes(
            arguments,
            "Prompts of 436 tokens done before; the median of 12 steps. 25 tokens are 1 s.",
        ),
    )


def _speaking(grid: Grid, arguments: argparse.Namespace) -> Table:
    cells = grid.run(_numbers(arguments.seconds), _numbers(arguments.requests), (25, 50))
    return Table(
        f"Text to sound, turbo, {_weights(arguments)}",
        (
            "sound of each", "requests", "chunk_size", "first chunk, median", "first chunk, last",
            "all of it", "s per s of sound", "× the package", "underruns",
            "T3 / flow / vocoder / mark",
        ),
        [_row(cell) for cell in cells],
        _notes(
            arguments,
            "Voices of 15 s (T3) and 10 s (S3Gen), spoken once before. A client that is streamed "
            "to waits for the first chunk, one that is not for all of it. The package speaks "
            "requests one after another: one was measured, several take as many times as long. "
            "Underruns: of clients that play in real time from their first chunk on, all clients "
            "together." + grid.omitted(),
        ),
    )  # fmt: skip


def _row(cell: Cell) -> tuple[str | float, ...]:
    made = cell.made
    return (
        f"{cell.seconds} s",
        str(cell.requests) if cell.chunk else f"package, {cell.requests}",
        str(cell.chunk) if cell.chunk else "whole",
        f"{statistics.median(made.first):.1f} s",
        f"{max(made.first):.1f} s",
        f"{made.took:.1f} s",
        made.factor,
        cell.gain if cell.chunk else "1",
        str(made.underruns) if cell.chunk else "-",
        " / ".join(f"{100 * share:.0f} %" for share in made.shares.values()) or "-",
    )


def _notes(arguments: argparse.Namespace, note: str) -> tuple[str, ...]:
    versions = ", ".join(
        f"{package} {version(package)}" for package in ("chatterbox-tts", "torch", "transformers")
    )
    device = torch.device(arguments.device)
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU, float32"
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
    parser.add_argument("--requests", default="1,4", help="requests of the speech table")
    parser.add_argument("--minutes", type=float, default=20, help="for all of it")
    parser.add_argument("--quick", action="store_true", help="3 s of sound, and 6 minutes")
    parser.add_argument(
        "--small", action="store_true", help="the tests' weights; nothing is written"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
