"""What was used last, when not everything can be kept."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """A mapping of bounded size: the least recently used goes first.

    Args:
        limit: most values kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[Key, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Key]:
        """The keys of now, the least recently used first; they may be dropped meanwhile."""
        return iter(tuple(self._kept))

    def get(self, key: Key) -> Value | None:
        """The value of a key, which counts as a use."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key]

    def put(self, key: Key, value: Value) -> None:
        """Keep a value in place of the key's last one."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def drop(self, key: Key) -> None:
        """Forget a key, if it is there."""
        self._kept.pop(key, None)
