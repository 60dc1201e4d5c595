"""``auto``: the best engine that starts, and why the better ones were passed over."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from shared.errors import EngineUnavailable

log = logging.getLogger(__name__)

E = TypeVar("E")
Start = Callable[[str], Awaitable[E]]
"""Starts an engine, given the reason why it was chosen.

Raises:
    EngineUnavailable: with what is missing and what to set.
"""


async def best(candidates: Iterable[tuple[str, Start[E]]]) -> E:
    """The first candidate that starts, told in one log line.

    Args:
        candidates: names and how to start them, best first.

    Raises:
        EngineUnavailable: none does; why, for each.
    """
    passed_over: list[str] = []
    for name, start in candidates:
        reason = "; ".join(["the best that runs here", *passed_over])
        try:
            engine = await start(reason)
        except EngineUnavailable as error:
            passed_over.append(f"{name}: {error.message}")
        else:
            level = logging.WARNING if passed_over else logging.INFO
            log.log(level, "engine chosen", extra={"engine": name, "reason": reason})
            return engine
    raise EngineUnavailable("no engine can run here: " + "; ".join(passed_over))
