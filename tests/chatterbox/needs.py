"""Which modules these tests lack, found by importing what they import."""

import warnings
from importlib import import_module
from importlib.util import find_spec

import pytest

MARKING = pytest.mark.skipif(
    find_spec("pkg_resources") is None,
    reason="no module 'pkg_resources' (setuptools below 81), without which Perth has no network",
)
"""On tests of the watermark."""
_OURS = ("services", "shared", "tests")


def missing() -> str | None:
    """The module that is not there, by its name; None: nothing is missing.

    Some packages say only that one of their own parts could not be imported, so the name is
    that of the first cause.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            import_module("chatterbox")
        import_module("services.tts.engines.chatterbox.engine")
    except ModuleNotFoundError as error:
        absent = _first(error)
        if absent.partition(".")[0] in _OURS:
            raise
        return absent
    return None


def _first(error: BaseException) -> str:
    cause: BaseException | None = error
    name = ""
    while cause is not None:
        name = getattr(cause, "name", None) or name
        cause = cause.__cause__ or cause.__context__
    return name or str(error)
