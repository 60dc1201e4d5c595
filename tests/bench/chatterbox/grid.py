"""The cells of the speech table, each shown as it is made, as far as the time allows."""

import contextlib
import io
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

from services.tts.engines.chatterbox.load import Models
from tests.bench.chatterbox import speech
from tests.bench.chatterbox.speech import Clock, Speaking, Spoken
from tests.bench.chatterbox.weights import packed

_GUESS = 10.0
"""Seconds of the clock for a second of sound, before anything was measured; a slow CPU's."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement.

    Attributes:
        seconds: of sound, of each request.
        requests: at once.
        chunk: tokens a chunk; 0: not streamed.
        ours: False: the package.
        gain: how many times as long the package takes, one request after another.
    """

    seconds: int
    requests: int
    chunk: int
    made: Spoken
    ours: bool = True
    gain: float = 1.0


class Grid:
    """Measures cells until the time is over.

    Args:
        models: turbo.
        clock: of what is measured.
        ends: `time.perf_counter()` by which all has to be over.
        show: gets all cells there are, in the table's order, after each new one.
    """

    def __init__(
        self, models: Models, clock: Clock, ends: float, show: Callable[[list[Cell]], None]
    ) -> None:
        self._models = models
        self._clock = clock
        self._ends = ends
        self._show = show
        self._cells: list[Cell] = []
        self._factors: dict[tuple[bool, int], float] = {}
        self._omitted: list[str] = []

    def run(
        self, seconds: Sequence[int], requests: Sequence[int], chunks: Sequence[int]
    ) -> list[Cell]:
        """The package at each length, then ours in all combinations, the cheapest first."""
        packaged: dict[int, Spoken] = {}
        for length in sorted(seconds):
            alone = partial(speech.package, self._models, seconds=length, clock=self._clock)
            made = self._measure(f"{length} s, the package", (False, 0), length, alone)
            if made is not None:
                packaged[length] = made
                self._add(Cell(length, 1, 0, made, ours=False))
        with contextlib.redirect_stdout(io.StringIO()):
            ours = Speaking(packed(self._models), requests=max(requests), clock=self._clock)
        cells = sorted(product(packaged, requests), key=lambda at: at[0] * at[1])
        for (length, at_once), chunk in product(cells, chunks):
            how = f"chunk_size {chunk}" if chunk else "not streamed"
            name = f"{length} s, {at_once} at once, {how}"
            make = partial(ours.together, requests=at_once, seconds=length, chunk=chunk)
            made = self._measure(name, (True, chunk), length * at_once, make)
            if made is not None:
                gain = packaged[length].factor / made.factor
                self._add(Cell(length, at_once, chunk, made, gain=gain))
        return self._cells

    def omitted(self) -> str:
        """What there was no time for."""
        return f" Left out for want of time: {'; '.join(self._omitted)}." if self._omitted else ""

    def _add(self, cell: Cell) -> None:
        self._cells.append(cell)
        self._cells.sort(key=lambda at: (at.seconds, at.ours, at.requests, at.chunk or 999))
        self._show(self._cells)

    def _measure(
        self, name: str, kind: tuple[bool, int], sound: float, make: Callable[[], Spoken]
    ) -> Spoken | None:
        """One cell, unless it would take longer than there is time left."""
        began = time.perf_counter()
        if began + self._factors.get(kind, _GUESS) * sound > self._ends:
            self._omitted.append(name)
            return None
        with contextlib.redirect_stdout(io.StringIO()):
            made = make()
        self._factors[kind] = (time.perf_counter() - began) / sound
        sys.stderr.write(f"{name}: first {made.first[0]:.2f} s, all {made.took:.2f} s\n")
        return made
