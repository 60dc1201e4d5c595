"""The connection to Redis that replicas share, and what its failures become."""

import asyncio
import contextlib
from collections.abc import Iterator

from pydantic import SecretStr
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisError

from shared.errors import UpstreamFailed

KEY_PREFIX = "parley:"
"""All keys and channels start with it, so that a Redis may be shared with others."""

_HEALTH_S = 1.0


def connect(url: SecretStr) -> Redis:
    """A pooled client; nothing is sent before the first command.

    A command that finds its connection broken is tried again over two seconds, so that a
    restart of Redis costs a pause, not an error. Bytes in, bytes out.
    """
    return Redis.from_url(
        url.get_secret_value(),
        socket_connect_timeout=2.0,
        socket_timeout=5.0,
        health_check_interval=15,
        retry=Retry(ExponentialWithJitterBackoff(cap=0.8, base=0.05), retries=5),
        retry_on_error=[ConnectionError, TimeoutError],
    )


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Turn Redis's errors into ours.

    Raises:
        UpstreamFailed: Redis does not answer, or refuses.
    """
    try:
        yield
    except (RedisError, OSError) as error:
        raise UpstreamFailed(f"Redis failed: {type(error).__name__}", retry_after_s=1) from error


async def is_answering(redis: Redis) -> bool:
    """For ``/health``, which waits for nobody long."""
    try:
        async with asyncio.timeout(_HEALTH_S):
            await redis.ping()
    except (RedisError, OSError):  # a timeout is one, too
        return False
    return True
