"""The turn model under the load of many speakers: how many threads serve them best."""

import asyncio
import random

import numpy as np

from services.asr.engines.base import SAMPLE_RATE
from services.asr.engines.smart_turn import SmartTurn, find_model
from shared.clock import SystemClock
from tests.bench.report import Table, spread

CLOCK = SystemClock()
PER_SPEAKER_S = 4.0
"""Seconds between the pauses of one speaker."""


async def threads(seconds: float) -> Table:
    """Pauses at random times, as 30 speakers make them."""
    path = find_model()
    rows: list[list[str | float]] = []
    for count in (1, 2, 4) if path else ():
        assert path is not None
        for speakers in (1, 10, 30):
            skips: list[str] = []
            model = SmartTurn(path, threads=count, deadline_s=0.3, on_skip=skips.append)
            took = await _judge(model, speakers, seconds)
            model.close()
            share = 100 * len(skips) / max(len(took) + len(skips), 1)
            rows.append([str(count), str(speakers), *spread(took), share])
    return Table(
        "Judging turns: Smart Turn's threads",
        ("threads", "speakers", "judgement p50 ms", "p95", "max", "% skipped"),
        rows,
        (
            f"Each speaker pauses every {PER_SPEAKER_S:g} s at random; a judgement may take "
            "300 ms. One onnxruntime thread a judgement.",
        ),
    )


async def _judge(model: SmartTurn, speakers: int, seconds: float) -> list[float]:
    chance = random.Random(speakers)
    samples = np.random.default_rng(0).normal(0, 0.1, 4 * SAMPLE_RATE).astype(np.float32)
    took: list[float] = []

    async def one() -> None:
        began = CLOCK.now()
        if await model.judge(samples) is not None:
            took.append(CLOCK.now() - began)

    end = CLOCK.now() + seconds
    async with asyncio.TaskGroup() as group:
        while CLOCK.now() < end:
            await asyncio.sleep(chance.expovariate(speakers / PER_SPEAKER_S))
            group.create_task(one())
    return took
