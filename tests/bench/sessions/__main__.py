"""``make bench-sessions``: what sessions in Redis cost, and that none loses or doubles anything."""

import argparse
import asyncio
from pathlib import Path

from tests.bench import report
from tests.bench.sessions import churn, latency
from tests.running.redis import RedisServer, folder


async def main(arguments: argparse.Namespace) -> None:
    """Measure both, write both."""
    with folder() as path:
        server = RedisServer(Path(path))
        await server.start()
        try:
            tables = [
                await latency.measure(server, arguments.operations),
                await churn.measure(server, arguments.sessions // 10, 1),
                await churn.measure(server, arguments.sessions, arguments.at_once),
            ]
        finally:
            await server.stop()
    for table in tables:
        print(table.markdown(), flush=True)
    report.write("sessions", "Sessions in Redis", "make bench-sessions", tables)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench-sessions", description=__doc__)
    parser.add_argument("--operations", type=int, default=1000)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=20)
    asyncio.run(main(parser.parse_args()))
