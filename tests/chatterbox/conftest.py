"""Needs the environment of ``deploy/requirements/tts-chatterbox.txt``."""

import pytest

from tests.chatterbox.needs import missing

_MISSING = missing()
collect_ignore_glob = ["test_*.py"] if _MISSING else []

_UPSTREAM = (
    "ignore:pkg_resources is deprecated:UserWarning",
    "ignore::DeprecationWarning:pkg_resources",
    "ignore:`torch.nn.utils.weight_norm` is deprecated:FutureWarning",
    "ignore:.*LoRACompatibleLinear.*:FutureWarning",
    "ignore:.*torch.backends.cuda.sdp_kernel.*:FutureWarning",
    "ignore::DeprecationWarning:(diffusers|librosa|audioread|perth|torch|transformers)",
)
"""Warnings of the package and of what it needs, at import; ours stay errors."""


def pytest_configure(config: pytest.Config) -> None:
    for line in _UPSTREAM:
        config.addinivalue_line("filterwarnings", line)


def pytest_report_header() -> list[str]:
    """Say what is not run, by the name of the missing module."""
    return [f"tests/chatterbox: not collected, no module {_MISSING!r}"] if _MISSING else []
