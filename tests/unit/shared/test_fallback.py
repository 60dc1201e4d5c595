"""`auto` takes the first that starts, and tells why it passed over the others."""

import logging

import pytest

from shared.errors import EngineUnavailable
from shared.fallback import Start, best


def starts() -> Start[str]:
    async def start(reason: str) -> str:
        return reason

    return start


def lacks(what: str) -> Start[str]:
    async def start(reason: str) -> str:
        raise EngineUnavailable(what)

    return start


async def test_the_first_that_starts_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert await best([("good", starts()), ("poor", starts())]) == "the best that runs here"
    [record] = caplog.records
    assert (record.levelname, record.__dict__["engine"]) == ("INFO", "good")


async def test_who_was_passed_over_is_told_with_the_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        told = await best([("good", lacks("no weights")), ("poor", starts()), ("bad", starts())])
    assert told == "the best that runs here; good: no weights"
    [record] = caplog.records
    assert (record.levelname, record.__dict__["engine"]) == ("WARNING", "poor")


async def test_none_that_starts_is_an_error_that_names_them_all() -> None:
    with pytest.raises(EngineUnavailable, match="no engine can run here: good: a; poor: b"):
        await best([("good", lacks("a")), ("poor", lacks("b"))])


async def test_any_other_failure_is_no_reason_to_go_on() -> None:
    async def broken(reason: str) -> str:
        raise RuntimeError("a mistake of ours")

    with pytest.raises(RuntimeError):
        await best([("good", broken), ("poor", starts())])
