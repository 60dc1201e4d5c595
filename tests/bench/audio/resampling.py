"""How long a live stream waits for its samples at another rate, and what that costs."""

import time
from collections.abc import Callable

import numpy as np
import soxr

from shared.audio.pcm import Samples
from shared.audio.resample import Resampler
from tests.bench.report import Table

RATES = ((8_000, 16_000), (48_000, 16_000), (44_100, 16_000), (24_000, 8_000), (24_000, 48_000))
FRAME_S = 0.02
MEASURED = ("held back, mean ms", "held back, most ms", "% of a core")
Feed = Callable[[Samples], Samples]


def table(seconds: float) -> Table:
    """Ours beside soxr's stream, fed 20 ms at a time."""
    rows: list[list[str | float]] = []
    for source, target in RATES:
        soxr_stream = soxr.ResampleStream(source, target, 1, quality="HQ")
        ours = _run(Resampler(source, target).feed, source, target, seconds)
        theirs = _run(soxr_stream.resample_chunk, source, target, seconds)
        rows.append([f"{source} → {target} Hz", *ours, *theirs])
    return Table(
        "Changing the rate of a live stream",
        ["rates", *(f"{who}: {what}" for who in ("ours", "soxr HQ") for what in MEASURED)],
        rows,
        ["Frames of 20 ms. Held back: sound that was fed and has not come out yet."],
    )


def _run(feed: Feed, source: int, target: int, seconds: float) -> tuple[float, float, float]:
    frame = np.random.default_rng(1).uniform(-0.5, 0.5, int(source * FRAME_S)).astype(np.float32)
    held, fed, made = [], 0.0, 0
    began = time.process_time()
    for _ in range(int(seconds / FRAME_S)):
        made += len(feed(frame))
        fed += FRAME_S
        held.append((fed - made / target) * 1000)
    share = (time.process_time() - began) / seconds * 100
    return float(np.mean(held)), float(np.max(held)), share
