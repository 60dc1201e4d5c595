"""How soon after the engine's first chunk the client holds sound that it can decode."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np

from shared.audio.encode import Format
from tests.audio.sounds import decoded
from tests.bench.report import Table
from tests.doubles.holding_tts import HoldingEngine, holding

BUDGET_MS = 50


async def table(times: int) -> Table:
    """Each format, over HTTP on the loopback."""
    rows: list[list[str | float]] = []
    for wanted in Format:
        took = [await _once(wanted) for _ in range(times + 1)][1:]
        rows.append([wanted.value, *np.percentile(took, (50, 95)).tolist(), max(took)])
    return Table(
        "From the engine's first chunk to the first byte that can be decoded",
        ["format", "p50 ms", "p95 ms", "most ms"],
        rows,
        [
            f"Budget: {BUDGET_MS} ms. A first chunk of 480 ms of sound from an engine that holds "
            "back the second one; the service and its client share one process and its core, and "
            f"{times} requests follow one that warms up. Taken when the bytes arrive."
        ],
    )


async def _once(wanted: Format) -> float:
    """Milliseconds of one request."""
    engine, data = HoldingEngine(), b""
    body = {"input": "Hello.", "response_format": wanted.value}
    with TemporaryDirectory() as folder:
        async with (
            holding(engine, Path(folder)) as address,
            httpx.AsyncClient(base_url=address, trust_env=False, timeout=60) as client,
            client.stream("POST", "/v1/audio/speech", json=body) as answer,
        ):
            async for part in answer.aiter_raw():
                arrived = time.monotonic()
                data += part
                if len(decoded(wanted, data)[0]):
                    return (arrived - engine.gave_at) * 1000
    return float("nan")
