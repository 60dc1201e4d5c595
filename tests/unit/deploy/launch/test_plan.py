"""What a start with CUDA does on a machine that has none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.locks.lock import ROOT
from tests.e2e.launcher import PORTS, free_ports

DRIVER = Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


@pytest.mark.skipif(DRIVER, reason="this machine has an NVIDIA driver")
def test_without_a_driver_it_stops_before_it_installs_anything(tmp_path: Path) -> None:
    ports = {name: str(port) for name, port in zip(PORTS, free_ports(3), strict=True)}
    made = subprocess.run(
        ["make", "--no-print-directory", "run-gpu", f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT,
        env={**os.environ, **ports, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    error, remedy, *_ = made.stderr.splitlines()
    assert made.returncode != 0
    assert error == "error: no NVIDIA driver on this machine"
    assert remedy == "  remedy: install the driver, or use the CPU with `make run`"
    assert list(tmp_path.iterdir()) == []
