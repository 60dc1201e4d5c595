"""One service as a process: in a group of its own, and gone when the launcher is gone."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


class Process:
    """A running service.

    Args:
        name: the service's.
        command: what to run, in `folder`.
        environ: its whole environment.
        log: the file that takes its standard error; None leaves it on the terminal.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        environ: Mapping[str, str],
        log: Path | None,
    ) -> None:
        self.name = name
        self.log = log
        output = _open(log) if log else None
        try:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509 - the launcher has one thread
            )
        finally:
            if output is not None:
                os.close(output)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll()

    def terminate(self) -> None:
        """Ask it to finish what it has and leave."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and whatever it started, now."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def last_words(self, most: int = 6) -> list[str]:
        """What it said before it died: plain lines if there are any, else its last record."""
        if self.log is None:
            return []
        lines = self.log.read_text(errors="replace").splitlines()[-400:]
        plain = [line for line in lines if line.strip() and not line.startswith("{")]
        if any(line.startswith("Traceback ") for line in plain):
            return plain[-1:]
        return plain[-most:] or [_message(line) for line in lines[-1:]]

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def _open(log: Path) -> int:
    """A fresh log file; the one of the previous start is kept beside it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_name(log.name + ".1"))
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _die_with(parent: int) -> Callable[[], None]:
    """Has the kernel kill the child when the launcher dies, however it dies (Linux)."""
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _message(record: str) -> str:
    try:
        return str(json.loads(record)["message"])
    except (ValueError, KeyError, TypeError):
        return record
