"""One suite for both buses, and what only Redis can do to one."""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from shared.bus import MISSED, Bus, MemoryBus, RedisBus, Subscription
from shared.errors import UpstreamFailed
from shared.store import connect, is_answering
from tests.running.redis import RedisServer


@pytest.fixture(params=["memory", "redis"])
async def bus(request: pytest.FixtureRequest, redis_server: RedisServer) -> AsyncIterator[Bus]:
    if request.param == "memory":
        yield MemoryBus()
        return
    async with connect(SecretStr(redis_server.url)) as client, RedisBus(client) as made:
        yield made


async def heard(subscription: Subscription) -> str:
    """The next message proper."""
    async with asyncio.timeout(10):
        while (message := await anext(subscription)) is MISSED:
            pass
    return message


async def settled(bus: Bus, subscription: Subscription, channel: str) -> None:
    """Return when messages get through."""
    while True:
        await bus.publish(channel, "settled")
        try:
            async with asyncio.timeout(0.2):
                assert await heard(subscription) == "settled"
                return
        except TimeoutError:
            continue


async def test_a_subscriber_hears_its_channel_in_order(bus: Bus) -> None:
    async with bus.subscribe("one") as one, bus.subscribe("two"):
        await settled(bus, one, "one")
        await bus.publish("two", "not for one")
        for number in range(20):
            await bus.publish("one", str(number))
        received = [await heard(one) for _ in range(20)]
    assert [message for message in received if message != "settled"][:3] == ["0", "1", "2"]
    assert "not for one" not in received


async def test_it_knows_which_channels_are_heard(bus: Bus) -> None:
    assert await bus.heard([]) == frozenset()
    async with bus.subscribe("one") as one, bus.subscribe("two"):
        await settled(bus, one, "one")
        assert await bus.heard(["one", "none"]) == {"one"}
    async with asyncio.timeout(10):
        while await bus.heard(["one"]):
            await asyncio.sleep(0.01)


async def test_two_subscribers_hear_the_same(bus: Bus) -> None:
    async with bus.subscribe("one") as first, bus.subscribe("one") as second:
        await settled(bus, first, "one")
        await bus.publish("one", "both")
        while await heard(first) != "both":
            pass
        while await heard(second) != "both":
            pass


async def test_who_left_hears_nothing_more(bus: Bus) -> None:
    async with bus.subscribe("one") as stays:
        async with bus.subscribe("one") as leaves:
            await settled(bus, stays, "one")
        await bus.publish("one", "after")
        while await heard(stays) != "after":
            pass
        waiting = [leaves._queue.get_nowait() for _ in range(leaves._queue.qsize())]
        assert "after" not in waiting


async def test_a_second_subscriber_is_told_that_it_has_missed_what_was(bus: Bus) -> None:
    async with bus.subscribe("one") as first:
        await settled(bus, first, "one")
        async with bus.subscribe("one") as second, asyncio.timeout(10):
            assert await anext(second) is MISSED


async def test_when_the_last_has_left_nothing_is_told_and_nothing_kept(bus: Bus) -> None:
    async with bus.subscribe("one") as one:
        await settled(bus, one, "one")
    async with asyncio.timeout(10):
        while await bus.publish("one", "to nobody"):
            pass
    assert isinstance(bus, MemoryBus | RedisBus)
    assert bus._channels.names() == []


async def test_nothing_listens_after_the_end(redis_server: RedisServer) -> None:
    async with connect(SecretStr(redis_server.url)) as client:
        async with RedisBus(client):
            assert "bus" in {task.get_name() for task in asyncio.all_tasks()}
        assert "bus" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_slow_subscriber_is_told_that_it_missed_something() -> None:
    bus = MemoryBus()
    async with bus.subscribe("one") as slow:
        for number in range(300):
            await bus.publish("one", str(number))
        assert await anext(slow) is MISSED
        assert await anext(slow) == "256"


async def test_after_a_restart_of_redis_every_channel_is_heard_again(
    redis_server: RedisServer,
) -> None:
    async with (
        connect(SecretStr(redis_server.url)) as client,
        RedisBus(client) as bus,
        bus.subscribe("one") as subscription,
    ):
        await settled(bus, subscription, "one")
        await redis_server.stop(signal.SIGKILL)
        await redis_server.start()
        async with asyncio.timeout(10):
            while await anext(subscription) is not MISSED:
                pass
        await settled(bus, subscription, "one")


async def test_publishing_without_redis_is_an_error_that_may_be_retried() -> None:
    async with connect(SecretStr("redis://127.0.0.1:1/0")) as client:
        with pytest.raises(UpstreamFailed) as caught:
            await RedisBus(client).publish("one", "lost")
        assert caught.value.retryable
        assert not await is_answering(client)
