"""How long this machine lets a thread wait that only wants to wake up: its other users' share."""

import threading
import time
from typing import Self

_NAP_S = 0.005


class Crowd:
    """Measures while the context lasts."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.is_set():
            began = time.perf_counter()
            time.sleep(_NAP_S)
            self.late_ms.append((time.perf_counter() - began - _NAP_S) * 1000)
