"""Live speakers at a real service: what it costs, and how late it is."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from tests.bench.report import Table, spread
from tests.integration.asr.watching import metric
from tests.running.process import ROOT, Process, service

INSTANT = ("-m", "tests.doubles.instant_asr")
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
    model: float = 0.0
    """Share of the time in which a batched engine's one thread was in a step."""


async def speak(running: Process, streams: int, seconds: float, mode: str = "silence") -> Load:
    """Let so many speak to a running service.

    Args:
        mode: of the speakers: ``silence``, ``semantic`` or ``step``.
    """
    process = psutil.Process(running.pid)
    before = process.cpu_times()
    stepped = await metric(running, "parley_asr_model_step_seconds_sum")
    found = await played(running, streams, seconds, mode)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    stepped = await metric(running, "parley_asr_model_step_seconds_sum") - stepped
    asked = await metric(running, "parley_asr_engine_seconds_count", 'kind="final"')
    took = await metric(running, "parley_asr_engine_seconds_sum", 'kind="final"')
    cpu = used / (streams * seconds)
    engine_ms = 1000 * took / max(asked, 1)
    return Load(streams, found["latencies"], found["finals"], cpu, engine_ms, stepped / seconds)


async def played(running: Process, streams: int, seconds: float, mode: str) -> dict[str, Any]:
    """What the speakers' process found."""
    command = ("-m", "tests.bench.asr.speakers", running.ws, str(streams), str(seconds), mode)
    speakers = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await speakers.communicate()
    found: dict[str, Any] = json.loads(output)
    return found


async def text_ready(
    name: str, environ: Mapping[str, str], counts: Sequence[int], seconds: float
) -> Table:
    """How long after the pause the text is there, for one speaker and for many."""
    rows: list[list[str | float]] = []
    alone = 0.0
    for streams in counts:
        environment = {"LOG_LEVEL": "ERROR", "ASR_SPHINX_DECODERS": "30", **environ}
        async with service(*REAL, port_variable="ASR_PORT", env=environment) as running:
            load = await speak(running, streams, seconds)
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
                100 * load.model if load.model else "-",
                "yes" if max(used / (os.cpu_count() or 1), load.model) < FULL else "no",
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
            "% of the model's thread",
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
            f"speakers among them, and a batched engine's one thread was in steps for less than "
            f"{FULL:.0%} of the time; beyond that, latencies are the queue's.",
        ),
    )
