"""Takes tests/chatterbox over to CUDA; without a module or a device it says which is missing.

``PARLEY_TORCH_DEVICE=cpu`` tries them where there is no device.
"""

import os

os.environ.setdefault("PARLEY_TORCH_DEVICE", "cuda")

import pytest

from tests.chatterbox.conftest import pytest_configure
from tests.chatterbox.needs import missing

__all__ = ["pytest_configure"]


def _absent() -> str | None:
    if (name := missing()) is not None:
        return f"module {name!r}"
    import torch

    if os.environ["PARLEY_TORCH_DEVICE"] != "cuda":
        return None
    # Exactness is tested, and convolutions would round their inputs to 10 bits.
    torch.backends.cudnn.allow_tf32 = False
    return None if torch.cuda.is_available() else "CUDA device"


_MISSING = _absent()
collect_ignore_glob = ["test_*.py"] if _MISSING else []


def pytest_report_header() -> list[str]:
    """Say what is not run, by the name of what is missing."""
    return [f"tests/gpu: not collected, no {_MISSING}"] if _MISSING else []


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Nothing to run is no failure where the device is missing."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and _MISSING:
        session.exitstatus = pytest.ExitCode.OK
