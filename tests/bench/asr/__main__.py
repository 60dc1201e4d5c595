"""``make bench-asr``: measure listening and write its sections of docs/benchmarks.md."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from tests.bench.asr import (
    accuracy,
    batching,
    beside,
    cost,
    frames,
    gpu,
    judging,
    live,
    memory,
    noises,
    turns,
)
from tests.bench.report import Table, write
from tests.models.tiny_whisper.evaluate import WEIGHTS

COMMAND = "make bench-asr"


Bench = Callable[[float], Coroutine[Any, Any, list[Table]]]


async def _cost(seconds: float) -> list[Table]:
    return [await cost.own(seconds)]


async def _frame(_: float) -> list[Table]:
    return [frames.work()]


async def _memory(_: float) -> list[Table]:
    return [await memory.after_connections()]


async def _turns(seconds: float) -> list[Table]:
    return [await judging.threads(seconds), *turns.cut_offs(), *noises.starts()]


async def _text(seconds: float) -> list[Table]:
    whisper = {
        "ASR_ENGINE": "whisper",
        "ASR_MODEL": str(WEIGHTS),
        "ASR_CAPACITY": "30",
        "ASR_SHORT_WINDOWS": "4,8",
        "ASR_THREADS": "1",
    }
    return [
        await live.text_ready("sphinx", {"ASR_ENGINE": "sphinx"}, (1, 4, 8), seconds),
        await live.text_ready(
            "whisper, the project's own 3 M parameters", whisper, (1, 10, 30), seconds
        ),
        await live.text_ready(
            "the same, finals in windows of 4 and 8 s too",
            whisper | {"ASR_SHORT_FINALS": "true"},
            (1, 10, 30),
            seconds,
        ),
    ]


async def _batches(_: float) -> list[Table]:
    small = batching.tiny()
    return [batching.throughput(small), batching.short_windows(small)]


async def _gpu(_: float) -> list[Table]:
    return gpu.tables()


async def _accuracy(_: float) -> list[Table]:
    return [await accuracy.streaming_against_file()]


async def _beside(seconds: float) -> list[Table]:
    return [await beside.a_file(seconds)]


BENCHES: dict[str, tuple[str, Bench]] = {
    "asr-frame": ("ASR: the work of a frame", _frame),
    "asr-cost": ("ASR: what the service itself costs", _cost),
    "asr-memory": ("ASR: memory", _memory),
    "asr-turns": ("ASR: turns", _turns),
    "asr-batches": ("ASR: Whisper's batches", _batches),
    "asr-gpu": ("ASR: Whisper on a GPU", _gpu),
    "asr-accuracy": ("ASR: streams against files", _accuracy),
    "asr-beside": ("ASR: live speakers beside a file", _beside),
    "asr-text": ("ASR: text for live speakers", _text),
}


def main() -> int:
    """Run those named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BENCHES)}; none: all")
    parser.add_argument("--seconds", type=float, default=20.0, help="of speech in each run")
    chosen = parser.parse_args()
    for name in chosen.names or BENCHES:
        title, bench = BENCHES[name]
        tables = asyncio.run(bench(chosen.seconds))
        write(name, title, COMMAND, tables)
        for table in tables:
            sys.stdout.write(table.markdown() + "\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
