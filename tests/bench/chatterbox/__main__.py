"""`make bench-tts`: Chatterbox beside its package, into docs/benchmarks.md."""

import argparse
import contextlib
import io
import statistics
import sys
import time
from importlib.metadata import version

import torch

from services.tts.engines.chatterbox.load import Models
from tests.bench.chatterbox import speech, tokens, weights
from tests.bench.report import Table, write

_CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def main() -> int:
    """Measure, print, and write the sections."""
    arguments = _parser().parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    with contextlib.redirect_stdout(io.StringIO()):
        models = weights.models(torch.device(arguments.device))
    if arguments.sizes:
        _save("chatterbox-tokens", "TTS: Chatterbox, tokens", _decoding(models, arguments))
    if arguments.seconds:
        _save("chatterbox-speech", "TTS: Chatterbox, speech", _speaking(models, arguments))
    return 0


def _save(name: str, title: str, table: Table) -> None:
    write(name, title, "make bench-tts", [table])
    sys.stdout.write(table.markdown() + "\n\n")
    sys.stdout.flush()


def _decoding(models: Models, arguments: argparse.Namespace) -> Table:
    clock = _CLOCKS[arguments.clock]
    with contextlib.redirect_stdout(io.StringIO()):
        rates = tokens.rates(models, _numbers(arguments.sizes), clock)
    return Table(
        "Decoding of speech tokens, turbo at full size, random weights",
        ("requests at once", "ours, tokens/s", "package one by one, tokens/s", "ratio"),
        [(str(one.requests), one.ours, one.package, one.ours / one.package) for one in rates],
        _notes(
            arguments,
            "Prompts of 436 tokens done before; the median of 12 steps. 25 tokens are 1 s.",
        ),
    )


def _speaking(models: Models, arguments: argparse.Namespace) -> Table:
    clock = _CLOCKS[arguments.clock]
    rows: list[tuple[str | float, ...]] = []
    for seconds in _numbers(arguments.seconds):
        with contextlib.redirect_stdout(io.StringIO()):
            alone = speech.package(models, seconds=seconds, clock=clock)
        whole = f"{alone.first[0]:.1f} s"
        rows.append((f"{seconds} s", "package, 1", "whole", whole, whole, alone.factor, "-", "-"))
        sys.stderr.write(f"{rows[-1]}\n")
        for requests in _numbers(arguments.requests):
            for chunk in (25, 50):
                made = speech.together(
                    models, requests=requests, seconds=seconds, chunk=chunk, clock=clock
                )
                rows.append(_row(seconds, requests, chunk, made))
                sys.stderr.write(f"{rows[-1]}\n")
    return Table(
        "Text to sound, turbo at full size, random weights",
        (
            "sound of each", "requests", "chunk_size", "first chunk, median", "first chunk, last",
            "s per s of sound", "underruns", "T3 / flow / vocoder / mark",
        ),
        rows,
        _notes(
            arguments,
            "Voices of 15 s (T3) and 10 s (S3Gen), spoken once before. Underruns: of clients that "
            "play in real time from their first chunk on, all clients together.",
        ),
    )  # fmt: skip


def _row(seconds: int, requests: int, chunk: int, made: speech.Spoken) -> tuple[str | float, ...]:
    return (
        f"{seconds} s",
        str(requests),
        str(chunk),
        f"{statistics.median(made.first):.1f} s",
        f"{max(made.first):.1f} s",
        made.factor,
        str(made.underruns),
        " / ".join(f"{100 * share:.0f} %" for share in made.shares.values()),
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
    return parser


if __name__ == "__main__":
    sys.exit(main())
