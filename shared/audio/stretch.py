"""Faster or slower speech at the same pitch, as it streams."""

from fractions import Fraction

import av
import numpy as np
from av.filter import Graph

from shared.audio.pcm import Samples
from shared.errors import InvalidRequest

SLOWEST, FASTEST = 0.25, 4.0
_FILTERS_SLOWEST = 0.5
"""What one ``atempo`` can do; slower is two of them in a row."""
_PIECE_S = 0.02
"""``atempo`` gives about one frame back for each it gets, so it gets small ones."""


class TimeStretch:
    """Changes the tempo of a mono stream with FFmpeg's ``atempo`` (WSOLA).

    A sample at time ``t`` comes out at ``t / speed``; 60 to 140 ms of input, more at high
    speeds, is held back meanwhile. Speed 1 passes the samples through untouched.

    Args:
        speed: how many times faster, 0.25 to 4.
        sample_rate: Hz.

    Raises:
        InvalidRequest: a speed outside of the limits.
    """

    def __init__(self, speed: float, sample_rate: int) -> None:
        if not SLOWEST <= speed <= FASTEST:
            raise InvalidRequest(
                f"speed must be within {SLOWEST:g} and {FASTEST:g}, not {speed:g}", param="speed"
            )
        self.speed = speed
        self.sample_rate = sample_rate
        self._piece = max(1, int(_PIECE_S * sample_rate))
        self._graph = None if speed == 1.0 else _graph(speed, sample_rate)
        self._waiting = np.zeros(0, np.float32)
        self._fed = 0
        self._pushed = 0
        self._made = 0

    def feed(self, samples: Samples) -> Samples:
        """Stretch the next samples; float32 [m], possibly empty."""
        self._fed += len(samples)
        if self._graph is None:
            return samples
        return self._cut(self._run(self._graph, samples))

    def flush(self) -> Samples:
        """The rest; in all ``round(n / speed)`` samples came out. Nothing may follow."""
        if self._graph is None:
            return np.zeros(0, np.float32)
        # The filter keeps its last window to itself: push it out with silence.
        return self._cut(self._run(self._graph, np.zeros(self.sample_rate // 4, np.float32)))

    @property
    def _due(self) -> int:
        return round(self._fed / self.speed)

    def _cut(self, samples: Samples) -> Samples:
        samples = samples[: max(0, self._due - self._made)]
        self._made += len(samples)
        return samples

    def _run(self, graph: Graph, samples: Samples) -> Samples:
        joined = np.concatenate([self._waiting, samples], dtype=np.float32)
        whole = len(joined) - len(joined) % self._piece
        self._waiting = joined[whole:]
        parts = [np.zeros(0, np.float32)]
        for piece in joined[:whole].reshape(-1, self._piece):
            frame = av.AudioFrame.from_ndarray(piece[None, :], format="flt", layout="mono")
            frame.sample_rate = self.sample_rate
            frame.pts = self._pushed
            self._pushed += self._piece
            graph.push(frame)
            parts += _pull(graph)
        return np.concatenate(parts)


def _graph(speed: float, sample_rate: int) -> Graph:
    graph = Graph()
    chain = [
        graph.add_abuffer(
            sample_rate=sample_rate,
            format="flt",
            layout="mono",
            time_base=Fraction(1, sample_rate),
        )
    ]
    while speed < _FILTERS_SLOWEST:
        chain.append(graph.add("atempo", str(_FILTERS_SLOWEST)))
        speed /= _FILTERS_SLOWEST
    chain += [graph.add("atempo", str(speed)), graph.add("abuffersink")]
    graph.link_nodes(*chain).configure()
    return graph


def _pull(graph: Graph) -> list[Samples]:
    parts: list[Samples] = []
    while True:
        try:
            frame = graph.pull()
        except av.error.BlockingIOError:
            return parts
        parts.append(np.array(frame.to_ndarray()[0], np.float32))
