"""One lock: its inputs, the file it is kept in, and the digest that ties the two together."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "deploy" / "requirements"
OLDEST_PYTHON = "3.11"

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_DIGEST = re.compile(r"^# inputs sha256:([0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True)
class Lock:
    """A table of `locks.toml`; see the head of that file for what each field means."""

    name: str
    project: bool = True
    extras: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    overrides: str | None = None
    follows: str | None = None
    cuda: bool = False
    deps: bool = True

    @property
    def whole(self) -> bool:
        """Pip must not look at what the packages ask for: an override says otherwise."""
        return not self.deps or self.overrides is not None

    def path(self, folder: Path = REQUIREMENTS) -> Path:
        """The compiled file."""
        return folder / f"{self.name}.txt"

    def input_files(self, folder: Path = REQUIREMENTS) -> list[Path]:
        """The requirement files and overrides that the lock is compiled from."""
        names = [*self.inputs, *([self.overrides] if self.overrides else [])]
        return [folder / name for name in names]

    def input_digest(self, folder: Path = REQUIREMENTS, root: Path = ROOT) -> str:
        """SHA-256 of everything that decides what the lock must hold, but for the versions."""
        inputs = {
            "python": OLDEST_PYTHON,
            "requirements": self._project_requirements(root) if self.project else [],
            "files": [_requirement_lines(path) for path in self.input_files(folder)],
            "deps": self.deps,
        }
        return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()

    def _project_requirements(self, root: Path) -> list[str]:
        project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
        optional = project.get("optional-dependencies", {})
        extras = [requirement for extra in self.extras for requirement in optional[extra]]
        return sorted({*project["dependencies"], *extras})


def load_locks(folder: Path = REQUIREMENTS) -> dict[str, Lock]:
    """All locks by name, each after the one that it follows."""
    tables: Mapping[str, Mapping[str, Any]] = tomllib.loads((folder / "locks.toml").read_text())
    locks = [Lock(name=name, **_tuples(table)) for name, table in tables.items()]
    locks.sort(key=lambda lock: lock.follows is not None)
    return {lock.name: lock for lock in locks}


def recorded_digest(text: str) -> str | None:
    """The input digest that a compiled lock carries in its header."""
    found = _DIGEST.search(text)
    return found.group(1) if found else None


def pins(text: str) -> dict[str, set[str]]:
    """Package names of a compiled lock and their versions (several when Pythons differ)."""
    versions: dict[str, set[str]] = {}
    for name, version in _PIN.findall(text):
        versions.setdefault(name.lower(), set()).add(version)
    return versions


def _requirement_lines(path: Path) -> list[str]:
    lines = (line.split(" #")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
