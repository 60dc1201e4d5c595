"""Fixtures that more than one folder of tests uses."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.running.redis import RedisServer, folder


@pytest.fixture
async def redis_server() -> AsyncIterator[RedisServer]:
    """A running Redis, empty."""
    with folder() as path:
        server = RedisServer(Path(path))
        await server.start()
        yield server
        await server.stop()
