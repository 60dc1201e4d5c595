"""Real speech, where the machine has it; tests without it skip with a reason."""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from shared.audio.pcm import Samples

FOLDER = Path(os.environ.get("PARLEY_AUDIO", Path(__file__).parents[3] / "shared" / "audio"))

needs_recordings = pytest.mark.skipif(
    not (FOLDER / "manifest.jsonl").is_file(),
    reason="no recordings: set PARLEY_AUDIO to a folder with manifest.jsonl",
)


@lru_cache(maxsize=1)
def manifest() -> list[dict[str, Any]]:
    """All recordings; empty where there are none."""
    path = FOLDER / "manifest.jsonl"
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def recordings(prefix: str) -> list[dict[str, Any]]:
    """Those whose file begins with ``prefix``."""
    return [entry for entry in manifest() if entry["file"].startswith(prefix)]


@lru_cache(maxsize=64)
def load(file: str, rate: int = 16_000) -> Samples:
    """One recording as float32 mono."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
    pieces = []
    with av.open(str(FOLDER / file)) as container:
        for frame in [*container.decode(audio=0), None]:
            pieces += [out.to_ndarray()[0] for out in resampler.resample(frame)]
    return np.concatenate(pieces).astype(np.float32)
