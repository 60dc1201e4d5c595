"""What the store and the bus cost, one operation at a time, on a real Redis."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from pydantic import SecretStr

from services.orchestrator.llm.base import Message
from services.orchestrator.sessions.base import Session
from services.orchestrator.sessions.redis import RedisSessions
from shared.bus import MISSED, RedisBus
from shared.protocol.conversation import CreateSession
from shared.sealing import AesSealer
from shared.store import connect
from tests.bench.report import Table, spread
from tests.running.redis import RedisServer

_HISTORY = tuple(
    Message(
        "user" if number % 2 == 0 else "assistant", "some twelve words that were said in a turn"
    )
    for number in range(20)
)


async def _timed(count: int, act: Callable[[int], Awaitable[object]]) -> list[float]:
    taken = []
    for number in range(count):
        began = time.perf_counter()
        await act(number)
        taken.append(time.perf_counter() - began)
    return taken


async def measure(server: RedisServer, count: int) -> Table:
    """Write, read, log and publish, ``count`` times each."""
    async with connect(SecretStr(server.url)) as redis, RedisBus(redis) as bus:
        store = RedisSessions(redis, AesSealer(bytes(32)))
        kept = replace(Session.new("bench", CreateSession(), 600), messages=_HISTORY)
        await store.create(kept)
        name, heard = kept.session_id, asyncio.Event()

        async def listen() -> None:
            async with bus.subscribe("bench") as messages:
                async for message in messages:
                    if message is not MISSED or not heard.is_set():
                        heard.set()

        async def told(_: int) -> None:
            heard.clear()
            await bus.publish("bench", "x")
            await heard.wait()

        listening = asyncio.create_task(listen())
        await heard.wait()
        rows = [
            ("write a session of 20 messages", await _timed(count, lambda _: store.save(kept))),
            ("read it", await _timed(count, lambda _: store.get(name, "bench"))),
            ("log an event", await _timed(count, lambda n: store.log(name, n + 1, '{"type":"x"}'))),
            ("replay 100 events", await _timed(count, lambda _: store.since(name, count - 100))),
            ("publish on the bus until heard", await _timed(count, told)),
        ]
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    return Table(
        "Store and bus",
        ("operation", "mean ms", "p50 ms", "p95 ms", "max ms"),
        [(what, 1000 * sum(taken) / len(taken), *spread(taken)) for what, taken in rows],
        (f"{count} of each, one after the other; sealed with AES-256-GCM; Redis on loopback.",),
    )
