"""Live speakers at a real service: what it costs, and how late it is."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

from tests.bench.report import Table, spread
from tests.integration.asr.watching import metric
from tests.processes import ROOT, Process, service

INSTANT = ("-m", "tests.instant_asr")
REAL = ("-m", "services.asr")
FULL = 0.85
"""Share of the machine's cores above which the service is said to be overloaded."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run gave."""

    streams: int
    latencies: Mapping[str, list[float]]
    finals: int
    cpu: float
    """Seconds of a core for a second of one stream."""
    engine_ms: float
    """Mean time from asking the engine for a final to its text."""


async def speak(running: Process, streams: int, seconds: float, *, semantic: bool) -> Load:
    """Let so many speak to a running service."""
    process = psutil.Process(running.pid)
    before = process.cpu_times()
    speakers = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.asr.speakers",
        running.ws,
        str(streams),
        str(seconds),
        "semantic" if semantic else "silence",
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await speakers.communicate()
    after = process.cpu_times()
    found = json.loads(output)
    used = after.user + after.system - before.user - before.system
    asked = await metric(running, "parley_asr_engine_seconds_count", 'kind="final"')
    took = await metric(running, "parley_asr_engine_seconds_sum", 'kind="final"')
    cpu = used / (streams * seconds)
    return Load(streams, found["latencies"], found["finals"], cpu, 1000 * took / max(asked, 1))


async def own_cost(seconds: float) -> Table:
    """The service around an engine that answers at once."""
    rows: list[list[str | float]] = []
    for semantic in (False, True):
        for streams in (1, 10, 30):
            load = await _instant(streams, seconds, semantic=semantic)
            partial = spread(load.latencies.get("partial", []))
            final = spread(load.latencies.get("final", []))
            rows.append(
                [
                    str(streams),
                    "Smart Turn" if semantic else "silence",
                    100 * load.cpu,
                    *partial[:2],
                    *final[:2],
                    str(load.finals),
                ]
            )
    return Table(
        "The service's own cost",
        (
            "streams",
            "turns end by",
            "% of a core a stream",
            "partial p50 ms",
            "p95",
            "final p50 ms",
            "p95",
            "finals",
        ),
        rows,
        (
            "The engine answers at once; all else is real: 20 ms frames in real time over "
            "sockets, resampling, Silero, the segmenter. Latency is from sending the sample "
            "that a message tells of (the last one of a partial, the one at which the turn "
            "was decided) to receiving the message; with Smart Turn the final waits for its "
            "judgement. The speakers run on the same cores; where other work keeps them busy (the "
            "load average above) latencies are the wait for a core, and only the share of a core "
            "and the work of a frame say something of the service.",
        ),
    )


async def text_ready(
    name: str, environ: Mapping[str, str], counts: Sequence[int], seconds: float
) -> Table:
    """How long after the pause the text is there, for one speaker and for many."""
    rows: list[list[str | float]] = []
    alone = 0.0
    for streams in counts:
        environment = {"LOG_LEVEL": "ERROR", "ASR_SPHINX_DECODERS": "30", **environ}
        async with service(*REAL, port_variable="ASR_PORT", env=environment) as running:
            load = await speak(running, streams, seconds, semantic=False)
        candidate = spread(load.latencies.get("candidate", []))
        partial = spread(load.latencies.get("partial", []))
        alone = alone or candidate[1]
        used = load.cpu * streams
        rows.append(
            [
                str(streams),
                load.engine_ms,
                *candidate,
                candidate[1] / alone,
                *partial[:2],
                100 * used,
                "yes" if used < FULL * (os.cpu_count() or 1) else "no",
                str(load.finals),
            ]
        )
    return Table(
        f"Text after the end of speech: {name}",
        (
            "streams",
            "the engine's own mean ms",
            "text at the pause p50 ms",
            "p95",
            "max",
            "p95 ÷ that of one",
            "partial p50 ms",
            "p95",
            "% of a core, all",
            "carried",
            "finals",
        ),
        rows,
        (
            "Live speakers in real time, silence ends turns. The text is that of the "
            "`candidate`, counted from the last sample that it covers (200 ms after the "
            "speech). The engine's own time is from asking it to its text, its queue "
            "included: what is above it is the service's. Carried: whether the service left "
            f"{1 - FULL:.0%} of the machine's {os.cpu_count()} cores to everybody else, the "
            "speakers among them; beyond that, latencies are the queue's.",
        ),
    )


async def _instant(streams: int, seconds: float, *, semantic: bool) -> Load:
    async with service(*INSTANT, port_variable="ASR_PORT", env={"LOG_LEVEL": "ERROR"}) as running:
        return await speak(running, streams, seconds, semantic=semantic)
