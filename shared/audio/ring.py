"""The last seconds of a stream, addressed by absolute sample position."""

import numpy as np

from shared.audio.pcm import Samples


class Ring:
    """Keeps the newest ``capacity`` samples; older ones fall out.

    Positions count from the first sample of the stream and never start again.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        self.capacity = capacity
        self._data = np.zeros(2 * capacity, np.float32)
        self._head = 0
        self._size = 0
        self._end = 0

    def __len__(self) -> int:
        return self._size

    @property
    def start(self) -> int:
        """Position of the oldest sample that is kept."""
        return self._end - self._size

    @property
    def end(self) -> int:
        """Position after the newest sample: all that was ever appended."""
        return self._end

    def append(self, samples: Samples) -> None:
        """Add the next samples of the stream, float32 [n]."""
        self._end += len(samples)
        samples = samples[-self.capacity :]
        stop = self._head + self._size + len(samples)
        if stop > len(self._data):
            kept = min(self._size, self.capacity - len(samples))
            first = self._head + self._size - kept
            self._data[:kept] = self._data[first : first + kept].copy()
            self._head, self._size = 0, kept
            stop = kept + len(samples)
        self._data[stop - len(samples) : stop] = samples
        self._size += len(samples)
        excess = max(0, self._size - self.capacity)
        self._head += excess
        self._size -= excess

    def read(self, start: int, end: int) -> Samples:
        """A copy of the samples at positions ``start`` … ``end - 1``.

        Raises:
            IndexError: some of them fell out, or have not come yet.
        """
        if not self.start <= start <= end <= self._end:
            raise IndexError(f"[{start}, {end}) is not within [{self.start}, {self._end})")
        first = self._head + start - self.start
        return self._data[first : first + end - start].copy()

    def last(self, count: int) -> Samples:
        """A copy of the newest ``count`` samples, or of all where there are fewer."""
        return self.read(self._end - min(count, self._size), self._end)

    def drop(self, before: int) -> None:
        """Forget what lies before a position; positions stay as they are."""
        excess = min(max(0, before - self.start), self._size)
        self._head += excess
        self._size -= excess

    def clear(self) -> None:
        """Forget all samples; the next one has the position ``end``."""
        self.drop(self._end)
