"""`python -m tests.bench.tts`: latency, processor time and memory of the service alone."""

import argparse
import asyncio
import logging

import psutil

from tests.bench.report import Table, write
from tests.bench.tts.crowd import Crowd
from tests.bench.tts.listeners import Listener, listen
from tests.bench.tts.memory import over_connections
from tests.running.service import ServiceProcess

LATENCY_BUDGET_MS, CORE_BUDGET = 5.0, 0.02


def main() -> None:
    """Measure, and write the section of docs/benchmarks.md."""
    arguments = _arguments()
    logging.basicConfig(level="INFO", format="%(message)s")
    with ServiceProcess("tts", module="tests.doubles.instant_tts") as service:
        rows = [
            asyncio.run(_streams(service, streams, arguments.seconds))
            for streams in arguments.streams
        ]
        memory = asyncio.run(over_connections(service, arguments.connections))
    write(
        "tts-service",
        "TTS: the service itself",
        "make bench-tts",
        [
            Table(
                "Streams at real time, instant engine",
                ("streams", "first chunk p50 ms", "p95 ms", "p99 ms", "seen by the client p95 ms",
                 "core per stream %", "bare wake-up p95 ms", "replies"),
                rows,
                (
                    f"Budget at 30 streams: {LATENCY_BUDGET_MS:g} ms at p95 and "
                    f"{CORE_BUDGET:.0%} of a core each. Each listener asks for the next sentence "
                    "when the last one would have been heard. The first chunk is the service's "
                    "own `first_chunk_ms` (text in to chunk sent); the client's view holds its "
                    "own share of the machine, too. A bare wake-up is how late a thread of "
                    "another process woke that only slept: above a millisecond the machine was "
                    "crowded, and the latencies are the crowd's.",
                ),
            ),
            Table(
                "Memory over connections",
                ("connections", "resident MB"),
                memory,
                ("One sentence each, then closed; the first rows warm the process up.",),
            ),
        ],
    )  # fmt: skip


async def _streams(
    service: ServiceProcess, streams: int, seconds: float
) -> tuple[str | float, ...]:
    process = psutil.Process(service.pid)
    warm = await listen(service, 1, 1.0)
    assert warm
    before = sum(process.cpu_times()[:2])
    with Crowd() as crowd:
        listeners = await listen(service, streams, seconds)
    used = sum(process.cpu_times()[:2]) - before
    told = _sorted(listeners, "told_ms")
    seen = _sorted(listeners, "seen_ms")
    share = used / seconds / streams * 100
    logging.info("%d streams: p95 %.2f ms, %.2f %% of a core each", streams, _at(told, 95), share)
    return (
        str(streams),
        round(_at(told, 50), 2),
        round(_at(told, 95), 2),
        round(_at(told, 99), 2),
        round(_at(seen, 95), 2),
        round(share, 2),
        round(_at(sorted(crowd.late_ms), 95), 2),
        str(len(told)),
    )


def _sorted(listeners: list[Listener], name: str) -> list[float]:
    return sorted(value for listener in listeners for value in getattr(listener, name))


def _at(values: list[float], percent: int) -> float:
    return values[min(len(values) - 1, len(values) * percent // 100)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each measurement")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 10, 30])
    parser.add_argument("--connections", type=int, default=1000)
    return parser.parse_args()


if __name__ == "__main__":
    main()
