"""Servers that keep people waiting."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import cast

DROP_S = 0.02
"""Between two bytes of a server that drips."""


@contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections and never says a word; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@asynccontextmanager
async def dripping_server() -> AsyncIterator[str]:
    """Sends its headers byte by byte without end, so that no single read is ever late."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dripping.add(cast("asyncio.Task[None]", asyncio.current_task()))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-Patience: ")
        try:
            while not writer.is_closing():
                writer.write(b"x")
                await asyncio.sleep(DROP_S)
        finally:
            writer.close()

    dripping: set[asyncio.Task[None]] = set()
    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for task in dripping:
            task.cancel()
        await asyncio.gather(*dripping, return_exceptions=True)
