"""What holds for every service from its first import on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COUNT = "import {first}, numpy, os; print(len(os.listdir('/proc/self/task')))"


def threads(first: str, **environ: str) -> int:
    """Threads of a process that imports ``first`` and numpy, on this machine's cores."""
    inherited = {name: os.environ[name] for name in os.environ if name != "OPENBLAS_NUM_THREADS"}
    command = [sys.executable, "-c", COUNT.format(first=first)]
    return int(subprocess.check_output(command, env=inherited | environ, text=True))


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="no /proc to count threads in")
def test_matrix_products_leave_no_thread_spinning() -> None:
    if threads("sys") == 1:
        pytest.skip("numpy starts no threads of its own on one core")
    assert threads("services.asr") == 1
    assert threads("services.asr", OPENBLAS_NUM_THREADS="2") == 2
