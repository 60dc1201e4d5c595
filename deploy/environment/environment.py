"""A virtual environment and the record of which locks it already holds."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.locks.lock import Lock
from deploy.problem import Problem

RECORD = "parley-locks.json"
NO_INDEX = "pip must reach a package index (see `pip config list`); then run the same again"


@dataclass(frozen=True)
class Environment:
    """The virtual environment in `folder`, which need not exist yet."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def works(self) -> bool:
        """Does it exist with a Python that Parley runs on, and pip?"""
        probe = "import sys, pip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))"
        if not self.python.exists():
            return False
        command = [str(self.python), "-c", probe]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def create(self) -> None:
        """Make it anew with the running Python. Raises Problem when that cannot be done."""
        made_by_venv = (self.folder / "pyvenv.cfg").exists()
        if self.folder.exists() and not made_by_venv and any(self.folder.iterdir()):
            raise Problem(
                f"{self.folder} is in the way: it is no virtual environment",
                "move it, or name another with VENV=path",
            )
        try:
            venv.create(self.folder, with_pip=True, clear=True, symlinks=True)
        except (OSError, subprocess.CalledProcessError) as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise Problem(
                f"{sys.executable} could not make {self.folder}: {error}",
                "install its venv package (Debian and Ubuntu: apt install python3-venv), "
                "check the disk, or set PYTHON to another Python",
            ) from error

    def missing(self, locks: Iterable[Lock]) -> list[Lock]:
        """Those of `locks` that it does not hold in their present form."""
        held = self._record()
        return [lock for lock in locks if held.get(lock.name) != _digest(lock)]

    def install(self, locks: Sequence[Lock]) -> None:
        """Install `locks` and record them. Raises Problem when pip fails."""
        for whole in (False, True):
            chosen = [lock for lock in locks if lock.whole is whole]
            if chosen:
                self._pip(chosen, ["--no-deps"] if whole else [])
        record = self._record() | {lock.name: _digest(lock) for lock in locks}
        (self.folder / RECORD).write_text(json.dumps(record, indent=2) + "\n")

    def _pip(self, locks: Sequence[Lock], options: Sequence[str]) -> None:
        command = [str(self.python), "-m", "pip", "install", "--quiet", "--require-hashes"]
        # Smart Turn's wheel is there for its data alone, without what it asks for.
        command += ["--no-warn-conflicts", "--disable-pip-version-check"]
        for lock in locks:
            command += ["--requirement", str(lock.path())]
        command += options
        if subprocess.run(command, check=False).returncode != 0:
            names = ", ".join(lock.name for lock in locks)
            raise Problem(f"pip could not install {names}; what it says is above", NO_INDEX)

    def _record(self) -> dict[str, str]:
        try:
            record: dict[str, str] = json.loads((self.folder / RECORD).read_text())
        except (OSError, ValueError):
            return {}
        return record


def ensure(folder: Path, locks: Sequence[Lock]) -> Environment:
    """The environment in `folder`, holding `locks`; made or filled first where it must be."""
    environment = Environment(folder)
    if not environment.works():
        print(f"Making {folder} with {sys.executable}", flush=True)
        environment.create()
    if missing := environment.missing(locks):
        names = ", ".join(lock.name for lock in missing)
        print(f"Installing into {folder} (once): {names}", flush=True)
        environment.install(missing)
    return environment


def _digest(lock: Lock) -> str:
    return hashlib.sha256(lock.path().read_bytes()).hexdigest()
