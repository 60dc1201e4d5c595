"""What a client sent and its session has not worked through: samples and messages, in order."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from services.asr.engines.base import Samples
from shared.protocol.asr import Config, End, Flush, Reset, Silence

Control = Config | Flush | Reset | End | Silence


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples that were dropped before they were worked through: time passes."""

    samples: int


Input = Samples | Control | Gap


class Inbox:
    """A queue that a ``reset`` empties up to the last turn that the client ended."""

    def __init__(self) -> None:
        self._items: deque[Input] = deque()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def samples(self) -> int:
        """How many wait."""
        return _samples(self._items)

    def put(self, item: Input) -> None:
        """Behind all others."""
        self._items.append(item)

    def take(self) -> Input:
        """The first; there must be one."""
        return self._items.popleft()

    def drop(self) -> int | None:
        """Forget what came after the last ``flush`` or ``end``.

        Returns:
            Samples lost; None when a turn that was ended still waits: it is over, though it
            was not worked through, and time passes behind it.
        """
        items = list(self._items)
        ends = [n for n, item in enumerate(items, 1) if isinstance(item, Flush | End)]
        kept, dropped = items[: ends[-1]] if ends else [], items[ends[-1] if ends else 0 :]
        lost = _samples(dropped)
        self._items = deque([*kept, *([Gap(lost)] if ends else []), *_lasting(dropped)])
        return None if ends else lost


def _samples(items: Iterable[Input]) -> int:
    return sum(len(item) for item in items if isinstance(item, np.ndarray))


def _lasting(items: Iterable[Input]) -> Iterator[Input]:
    """What a ``reset`` does not take back."""
    return (item for item in items if isinstance(item, Config | Silence))
