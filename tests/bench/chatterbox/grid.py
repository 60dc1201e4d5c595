"""The cells of the speech table, the cheapest first, as far as the time allows."""

import contextlib
import io
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from services.tts.engines.chatterbox.load import Models
from tests.bench.chatterbox import speech
from tests.bench.chatterbox.speech import Clock, Spoken

_GUESS = 10.0
"""Seconds of the clock for a second of sound, before anything was measured; a slow CPU's."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement.

    Attributes:
        seconds: of sound, of each request.
        requests: at once.
        chunk: tokens a chunk; 0: the package.
        gain: how many times as long the package takes, one request after another.
    """

    seconds: int
    requests: int
    chunk: int
    made: Spoken
    gain: float = 1.0


class Grid:
    """Measures cells until the time is over.

    Args:
        models: turbo.
        clock: of what is measured.
        ends: `time.perf_counter()` by which all has to be over.
    """

    def __init__(self, models: Models, clock: Clock, ends: float) -> None:
        self._models = models
        self._clock = clock
        self._ends = ends
        self._factors: dict[bool, float] = {}
        self._omitted: list[str] = []

    def run(
        self, seconds: Sequence[int], requests: Sequence[int], chunks: Sequence[int]
    ) -> list[Cell]:
        """The package at each length, and ours in all combinations; in the table's order."""
        cells: list[Cell] = []
        packaged: dict[int, Spoken] = {}
        for length in sorted(seconds):
            alone = self._measure(length, 1, 0)
            if alone is not None:
                packaged[length] = alone
                cells.append(Cell(length, 1, 0, alone))
        for length, together in sorted(product(packaged, requests), key=lambda at: at[0] * at[1]):
            for chunk in chunks:
                made = self._measure(length, together, chunk)
                if made is not None:
                    gain = packaged[length].factor / made.factor
                    cells.append(Cell(length, together, chunk, made, gain))
        return sorted(cells, key=lambda cell: (cell.seconds, cell.chunk > 0, cell.requests))

    def omitted(self) -> str:
        """What there was no time for."""
        return f" Left out for want of time: {'; '.join(self._omitted)}." if self._omitted else ""

    def _measure(self, seconds: int, requests: int, chunk: int) -> Spoken | None:
        """One cell, unless it would take longer than there is time left."""
        name = f"{seconds} s, {requests} at once, chunk_size {chunk}"
        name = name if chunk else f"{seconds} s, the package"
        factor = self._factors.get(chunk > 0, _GUESS)
        began = time.perf_counter()
        if began + factor * seconds * requests > self._ends:
            self._omitted.append(name)
            return None
        with contextlib.redirect_stdout(io.StringIO()):
            made = self._made(seconds, requests, chunk)
        self._factors[chunk > 0] = (time.perf_counter() - began) / (seconds * requests)
        sys.stderr.write(f"{name}: first {made.first[0]:.1f} s, all {made.took:.1f} s\n")
        return made

    def _made(self, seconds: int, requests: int, chunk: int) -> Spoken:
        if not chunk:
            return speech.package(self._models, seconds=seconds, clock=self._clock)
        return speech.together(
            self._models, requests=requests, seconds=seconds, chunk=chunk, clock=self._clock
        )
