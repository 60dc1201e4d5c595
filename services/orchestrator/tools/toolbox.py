"""All tools that the settings ask for, in one registry, for as long as the service runs."""

import importlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from services.orchestrator.config import OrchestratorSettings
from services.orchestrator.tools import flights, mcp
from services.orchestrator.tools.bookings import Bookings
from services.orchestrator.tools.registry import Registry
from shared.config import BadSettings


@asynccontextmanager
async def toolbox(settings: OrchestratorSettings) -> AsyncIterator[Registry]:
    """The sets of ``ORCHESTRATOR_TOOLS`` and the servers of ``ORCHESTRATOR_MCP``.

    Raises:
        BadSettings: naming what cannot be loaded.
    """
    registry = Registry()
    async with AsyncExitStack() as stack:
        for name in settings.tools:
            registry.extend(_set(name, settings.flights_db, stack))
        if settings.mcp is not None:
            registry.extend(await stack.enter_async_context(mcp.servers(Path(settings.mcp))))
        yield registry


def _set(name: str, flights_db: str, stack: AsyncExitStack) -> Registry:
    if name == "flights":
        try:
            bookings = Bookings(flights_db)
        except sqlite3.Error as error:
            raise BadSettings(f"ORCHESTRATOR_FLIGHTS_DB={flights_db}: {error}") from None
        stack.callback(bookings.close)
        return flights.tools(bookings)
    return _imported(name)


def _imported(name: str) -> Registry:
    """``package.module:registry``."""
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute or "tools")
    except (ImportError, AttributeError) as error:
        raise BadSettings(
            f"ORCHESTRATOR_TOOLS={name}: {error}; it is `flights` or `package.module:registry`"
        ) from None
    if not isinstance(found, Registry):
        raise BadSettings(f"ORCHESTRATOR_TOOLS={name}: that is no Registry")
    return found
