"""The three services as one thing: started together, watched, and stopped together."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from deploy.launch import probe
from deploy.launch.process import Process
from deploy.problem import Problem

LOOK_S = 0.1
GRACE_S = 4.0
"""What services have to close their sessions in; with the kill after it, all is over in 5 s."""
TELL_EVERY_S = 10.0
START_LIMIT_S = 900.0
"""Long enough to fetch a model over a slow line; a service that dies is noticed at once."""


class Stop:
    """Set by Ctrl-C, SIGTERM and SIGHUP; a second one asks for haste."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.hurried = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self.hurried = self.event.is_set()
        self.event.set()

    @contextmanager
    def listening(self) -> Iterator[Stop]:
        """Take the signals for the time of a block."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self) for number in numbers}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Stack:
    """Running services.

    Args:
        start: starts each service in turn.
        stop: asked between looks whether to leave.
    """

    def __init__(self, start: Sequence[Callable[[], Process]], stop: Stop) -> None:
        self._start = start
        self._stop = stop
        self._processes: list[Process] = []

    @contextmanager
    def running(self) -> Iterator[Stack]:
        """All of them started; none left when the block ends, however it ends."""
        try:
            for start in self._start:
                self._processes.append(start())
            yield self
        finally:
            self._end()

    def wait_ready(self, urls: dict[str, str]) -> bool:
        """Wait until each service is ready; False when told to stop first.

        Raises Problem when one dies or is not ready in time.
        """
        began = told = time.monotonic()
        waiting = dict(urls)
        while waiting:
            if self._stop.event.wait(LOOK_S):
                return False
            self._check_alive()
            waiting = {name: url for name, url in waiting.items() if not probe.ready(url)}
            now = time.monotonic()
            if waiting and now - told >= TELL_EVERY_S:
                told = now
                print(f"Still waiting for {', '.join(waiting)} ({now - began:.0f} s)", flush=True)
            if waiting and now - began > START_LIMIT_S:
                raise Problem(
                    f"{', '.join(waiting)} did not become ready in {START_LIMIT_S:.0f} s",
                    "see its log, named above",
                )
        return True

    def watch(self) -> None:
        """Return when told to stop. Raises Problem when a service dies."""
        while not self._stop.event.wait(LOOK_S):
            self._check_alive()

    def _check_alive(self) -> None:
        for process in self._processes:
            if (code := process.exit_code) is not None:
                raise _death(process, code)

    def _end(self) -> None:
        for process in self._processes:
            process.terminate()
        deadline = time.monotonic() + GRACE_S
        while any(process.exit_code is None for process in self._processes):
            if self._stop.hurried or time.monotonic() > deadline:
                break
            time.sleep(LOOK_S / 2)
        for process in self._processes:
            process.kill()


def _death(process: Process, code: int) -> Problem:
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"stopped with code {code}"
    words = "".join(f"\n  {line}" for line in process.last_words())
    where = f"its log is {process.log}" if process.log else "its log is above"
    return Problem(
        f"{process.name} {how}{':' if words else ''}{words}", f"mend what it names; {where}"
    )
