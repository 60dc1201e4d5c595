"""A process that holds connections until it is killed: ``python -m … ADDRESS COUNT``.

It answers pings and reads what comes, so that it counts as alive while it runs.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack

from websockets.asyncio.client import ClientConnection, connect


async def _keep(socket: ClientConnection) -> None:
    async for text in socket:
        message = json.loads(text)
        if message["type"] == "ping":
            await socket.send(json.dumps({"type": "pong", "t": message["t"]}))


async def _main(address: str, count: int) -> None:
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(connect(f"{address}/ws", proxy=None))
            for _ in range(count)
        ]
        sys.stdout.write("held\n")
        sys.stdout.flush()
        await asyncio.gather(*map(_keep, sockets))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
