"""A process that holds connections until killed: ``python -m tests.running.holder ADDRESS…``.

It answers pings and reads what comes, so that it counts as alive while it runs.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect

from tests.running.process import ROOT


@asynccontextmanager
async def holder(addresses: Sequence[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process, once it holds a connection to each address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.running.holder", *addresses),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 20) == b"held\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _keep(socket: ClientConnection) -> None:
    async for text in socket:
        if isinstance(text, str) and (message := json.loads(text))["type"] == "ping":
            await socket.send(json.dumps({"type": "pong", "t": message["t"]}))


async def _main(addresses: Sequence[str]) -> None:
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(connect(address, proxy=None)) for address in addresses
        ]
        sys.stdout.write("held\n")
        sys.stdout.flush()
        await asyncio.gather(*map(_keep, sockets))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))
