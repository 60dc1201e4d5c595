"""Messages between replicas: publish to a channel, subscribe to a channel.

The bus only wakes; what must not be lost is written to a store first. A subscriber that
may have missed something (it was slow, or the line to Redis was cut) gets :data:`MISSED`
and looks into the store for itself.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from typing import Final, Literal, Protocol

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from shared.resilience import backoff
from shared.store import KEY_PREFIX, answering

log = logging.getLogger(__name__)

_MOST_WAITING = 256


class Missed(Enum):
    """The type of :data:`MISSED`."""

    MISSED = "missed"


MISSED: Final = Missed.MISSED
"""Takes the place of messages that may have been lost."""

Delivery = str | Literal[Missed.MISSED]


class Subscription:
    """The messages of one channel, in order; bounded, and honest about losses."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue(_MOST_WAITING)

    def put(self, message: Delivery) -> None:
        """Called by the bus. A full queue is emptied and starts again with ``MISSED``."""
        if self._queue.full():
            while not self._queue.empty():
                self._queue.get_nowait()
            message = MISSED
        self._queue.put_nowait(message)

    def __aiter__(self) -> AsyncIterator[Delivery]:
        return self

    async def __anext__(self) -> Delivery:
        return await self._queue.get()


class Bus(Protocol):
    """What replicas tell each other."""

    async def publish(self, channel: str, message: str) -> int:
        """Tell all who subscribe now.

        Returns:
            How many processes were told.

        Raises:
            UpstreamFailed: Redis does not answer.
        """
        ...

    async def heard(self, channels: Sequence[str]) -> frozenset[str]:
        """Those that anybody, in any process, subscribes to.

        Raises:
            UpstreamFailed: Redis does not answer.
        """
        ...

    def subscribe(self, channel: str) -> contextlib.AbstractAsyncContextManager[Subscription]:
        """Hear what is published while the context lasts.

        ``MISSED`` comes first: from there on nothing is missed without another.
        """
        ...


class _Channels:
    """Who listens to what in this process."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, list[Subscription]] = {}

    def names(self) -> list[str]:
        return list(self._subscriptions)

    def __contains__(self, channel: str) -> bool:
        return channel in self._subscriptions

    def add(self, channel: str, subscription: Subscription) -> bool:
        """Whether it is the first of its channel."""
        listening = self._subscriptions.setdefault(channel, [])
        listening.append(subscription)
        return len(listening) == 1

    def remove(self, channel: str, subscription: Subscription) -> bool:
        """Whether it was the last of its channel."""
        listening = self._subscriptions[channel]
        listening.remove(subscription)
        if not listening:
            del self._subscriptions[channel]
        return not listening

    def deliver(self, channel: str, message: Delivery) -> bool:
        """Whether anybody listens."""
        listening = self._subscriptions.get(channel, ())
        for subscription in listening:
            subscription.put(message)
        return bool(listening)


class MemoryBus:
    """A bus for one process."""

    def __init__(self) -> None:
        self._channels = _Channels()

    async def publish(self, channel: str, message: str) -> int:
        """Tell all who subscribe now."""
        return int(self._channels.deliver(channel, message))

    async def heard(self, channels: Sequence[str]) -> frozenset[str]:
        """Those that anybody subscribes to."""
        return frozenset(channel for channel in channels if channel in self._channels)

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[Subscription]:
        """Hear what is published while the context lasts."""
        subscription = Subscription()
        self._channels.add(channel, subscription)
        subscription.put(MISSED)
        try:
            yield subscription
        finally:
            self._channels.remove(channel, subscription)


class RedisBus:
    """A bus for all replicas, on Redis pub/sub, over one connection a process.

    Use as an async context manager. A cut line is mended with backoff and every channel is
    subscribed again. Whenever Redis confirms a subscription its subscribers get ``MISSED``:
    from there on they hear everything.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._channels = _Channels()
        self._pubsub: PubSub | None = None
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "RedisBus":
        self._listening = asyncio.create_task(self._listen(), name="bus")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening

    async def publish(self, channel: str, message: str) -> int:
        """Tell all who subscribe now, on every replica."""
        with answering():
            return int(await self._redis.publish(_key(channel), message))

    async def heard(self, channels: Sequence[str]) -> frozenset[str]:
        """Those that anybody subscribes to, on every replica."""
        if not channels:
            return frozenset()
        with answering():
            counted = await self._redis.pubsub_numsub(*map(_key, channels))
        pairs = zip(channels, counted, strict=True)
        return frozenset(channel for channel, (_, listeners) in pairs if listeners)

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[Subscription]:
        """Hear what is published while the context lasts, from its first line on."""
        subscription = Subscription()
        if self._channels.add(channel, subscription):
            await self._change("subscribe", channel)
        else:
            subscription.put(MISSED)  # this process hears the channel already
        try:
            yield subscription
        finally:
            if self._channels.remove(channel, subscription):
                await self._change("unsubscribe", channel)

    async def _change(self, verb: Literal["subscribe", "unsubscribe"], channel: str) -> None:
        """Tell Redis; while the line is cut there is nobody to tell, and no need to."""
        if self._pubsub is not None:
            with contextlib.suppress(RedisError, OSError):
                await getattr(self._pubsub, verb)(_key(channel))

    async def _listen(self) -> None:
        waits = backoff(0.05)
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(_key("bus"))
                    self._pubsub = pubsub  # who subscribes from here on does it itself
                    if names := self._channels.names():
                        await pubsub.subscribe(*map(_key, names))
                    waits = backoff(0.05)
                    async for message in pubsub.listen():
                        self._received(message)
            except (RedisError, OSError) as error:
                log.warning("bus is cut", extra={"error": type(error).__name__})
            finally:
                self._pubsub = None
            await asyncio.sleep(next(waits))

    def _received(self, message: dict[str, object]) -> None:
        channel, data = message["channel"], message["data"]
        if not isinstance(channel, bytes):
            return
        name = channel.decode().removeprefix(KEY_PREFIX)
        if message["type"] == "subscribe":  # the first time, or again after a cut
            self._channels.deliver(name, MISSED)
        elif message["type"] == "message" and isinstance(data, bytes):
            self._channels.deliver(name, data.decode())


def _key(channel: str) -> str:
    return KEY_PREFIX + channel
