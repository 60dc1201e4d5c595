"""Compiles the locks with uv. The only step of the project that needs uv."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy.locks.lock import OLDEST_PYTHON, REQUIREMENTS, ROOT, Lock, pins

HEADER = """\
# Compiled from locks.toml by `make locks`; do not edit.
# inputs sha256:{digest}
"""


def compile_lock(lock: Lock, *, upgrade: Sequence[str] | None = None) -> None:
    """Write `lock`'s file.

    Versions already locked stay; `upgrade` names packages to raise, and an empty sequence
    raises all. Raises CalledProcessError when uv finds no solution.
    """
    target = lock.path()
    # uv takes the versions to keep from its output file, and writes it only on success.
    command = [*_uv(), *_arguments(lock), "--output-file", _relative(target)]
    if upgrade is not None:
        command += [f"--upgrade-package={name}" for name in upgrade] or ["--upgrade"]
    with tempfile.TemporaryDirectory() as folder:
        command += _constraints(lock, Path(folder))
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=_environ())
    target.write_text(HEADER.format(digest=lock.input_digest()) + _body(target.read_text()))


def _arguments(lock: Lock) -> list[str]:
    arguments = [
        "pip", "compile", "--quiet", "--universal", f"--python-version={OLDEST_PYTHON}",
        "--fork-strategy=fewest", "--generate-hashes", "--no-header", "--no-emit-index-url",
        "--no-emit-find-links",
    ]  # fmt: skip
    if lock.project:
        arguments.append("pyproject.toml")
        arguments += [f"--extra={extra}" for extra in lock.extras]
    arguments += [_relative(REQUIREMENTS / name) for name in lock.inputs]
    if lock.overrides:
        arguments.append(f"--override={_relative(REQUIREMENTS / lock.overrides)}")
    if not lock.deps:
        arguments.append("--no-deps")
    return arguments


def _constraints(lock: Lock, folder: Path) -> list[str]:
    """The versions of the lock that this one follows, as a uv constraints file."""
    if lock.follows is None:
        return []
    leader = pins((REQUIREMENTS / f"{lock.follows}.txt").read_text())
    constraints = folder / "constraints.txt"
    constraints.write_text(
        "".join(f"{name}=={min(v)}\n" for name, v in leader.items() if len(v) == 1)
    )
    return [f"--constraint={constraints}"]


def _body(text: str) -> str:
    """The compiled text without the temporary constraints file among its origins."""
    lines = [line for line in text.splitlines() if "constraints.txt" not in line]
    return "\n".join(line for line in lines if not line.startswith("# inputs ")) + "\n"


def _environ() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}


def _uv() -> list[str]:
    return [sys.executable, "-m", "uv"]


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
