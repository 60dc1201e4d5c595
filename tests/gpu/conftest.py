"""Takes tests/chatterbox over to CUDA; without a module or a device it says which is missing."""

import os
from importlib.util import find_spec

import pytest

from tests.chatterbox.conftest import pytest_configure

__all__ = ["pytest_configure"]

os.environ["PARLEY_TORCH_DEVICE"] = "cuda"


def _missing() -> list[str]:
    absent = [f"module {name!r}" for name in ("torch", "chatterbox") if find_spec(name) is None]
    if absent:
        return absent
    import torch

    return [] if torch.cuda.is_available() else ["CUDA device"]


collect_ignore_glob = ["test_*.py"] if _missing() else []


def pytest_report_header() -> list[str]:
    """Say what is not run, by the name of what is missing."""
    return [f"tests/gpu: not collected, no {name}" for name in _missing()]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Nothing to run is no failure where the device is missing."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and _missing():
        session.exitstatus = pytest.ExitCode.OK
