"""An ASGI app on a free port of this machine, in this process."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """Serve while the context lasts; yields the address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = Config()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.listen()
    config.bind = [f"fd://{listener.detach()}"]  # hypercorn owns and closes it
    config.accesslog = None
    config.errorlog = None
    config.graceful_timeout = 1.0
    stop = asyncio.Event()
    server = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait))
    try:
        yield address
    finally:
        stop.set()
        await server
