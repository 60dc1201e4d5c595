"""Running the command line in a thread, against servers of the test's own loop."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from shared.clients.__main__ import main


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Awaitable[Ran]]


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Command:
    """Run a command in an empty folder; words in, exit code and output out."""
    monkeypatch.chdir(tmp_path)

    async def run(*words: object) -> Ran:
        code = await asyncio.to_thread(main, [str(word) for word in words])
        return Ran(code, *capsys.readouterr())

    return run
