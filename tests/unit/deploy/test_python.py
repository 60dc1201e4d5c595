"""`deploy/python.sh` finds a Python or says why there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.locks.lock import ROOT

REAL = f'exec {sys.executable} "$@"'
STUB = "echo 'pyenv: python3.13: command not found' >&2; exit 127"
OLD = 'case "$1" in --version) echo Python 3.8.20;; *) exit 1;; esac'
BARE = f'case "$2" in *ensurepip*) exit 1;; *) {REAL};; esac'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A PATH of its own, with nothing but the shell's tools."""
    path = tmp_path / "bin"
    path.mkdir()
    return path


def add(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def run(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(ROOT / "deploy" / "python.sh"), "-c", "print('found')"]
    return subprocess.run(
        command,
        env={"PATH": str(folder), "HOME": os.environ["HOME"], **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_name_that_cannot_run_is_passed_over(folder: Path) -> None:
    add(folder, "python3.13", STUB)
    add(folder, "python3.12", OLD)
    add(folder, "python3", REAL)
    done = run(folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "found\n", "")


def test_the_python_that_is_asked_for_is_the_only_candidate(folder: Path) -> None:
    add(folder, "python3", REAL)
    add(folder, "mine", OLD)
    done = run(folder, PYTHON="mine")
    assert done.returncode == 3
    assert "mine here is: Python 3.8.20" in done.stderr
    assert run(folder, PYTHON=sys.executable).stdout == "found\n"


def test_a_wrong_python_is_named_with_the_remedy(folder: Path) -> None:
    add(folder, "python3", OLD)
    done = run(folder)
    assert done.returncode == 3
    assert done.stderr == (
        "error: Parley needs Python 3.11, 3.12 or 3.13; python3 here is: Python 3.8.20\n"
        "  remedy: install one of them, or set PYTHON to its path: "
        "make run PYTHON=/path/to/python3.11\n"
    )


def test_no_python_at_all_is_said(folder: Path) -> None:
    done = run(folder)
    assert done.returncode == 3
    assert "python3 here is: none that runs" in done.stderr


def test_one_without_ensurepip_is_used_only_if_no_other_has_it(folder: Path) -> None:
    add(folder, "python3.11", BARE)
    done = run(folder)
    assert done.returncode == 3
    assert "it has no ensurepip" in done.stderr
    assert "apt install python3." in done.stderr
    add(folder, "python3", REAL)
    assert run(folder).stdout == "found\n"
