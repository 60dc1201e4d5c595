"""A server of others that we call: how many calls at once, a breaker, and whose fault it was."""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from shared.clock import Clock
from shared.errors import (
    DeadlineExceeded,
    EngineUnavailable,
    ParleyError,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
)
from shared.resilience import CircuitBreaker

_MOST_DETAIL = 200
_COME_BACK_S = 1.0


class Upstream:
    """One server, for all connections of the service."""

    def __init__(
        self, name: str, clock: Clock, *, at_once: int, timeout_s: float, key_setting: str
    ) -> None:
        """Set up.

        Args:
            name: of the server, for messages.
            at_once: calls under way at the same time; the others wait.
            timeout_s: longest wait for an answer.
            key_setting: what to set when it does not take our key.
        """
        self.name = name
        self.timeout_s = timeout_s
        self._key_setting = key_setting
        self._breaker = CircuitBreaker(clock)
        self._places = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def call(self, *, streamed: bool = False) -> AsyncIterator[None]:
        """Hold a place while calling; failures of the server's count towards the breaker.

        Args:
            streamed: the answer may take longer than ``timeout_s``; the HTTP client sees to
                it that the server is not silent for so long.

        Raises:
            EngineUnavailable: it failed several times in a row.
            DeadlineExceeded: it did not answer in time.
            UpstreamFailed: the connection failed.
        """
        self.check()
        async with self._places:
            try:
                async with asyncio.timeout(None if streamed else self.timeout_s):
                    yield
            except (TimeoutError, httpx.TimeoutException) as error:
                self._breaker.failed()
                raise DeadlineExceeded(
                    f"{self.name} did not answer within {self.timeout_s:g} s",
                    retry_after_s=_COME_BACK_S,
                ) from error
            except (OSError, httpx.HTTPError) as error:
                self._breaker.failed()
                raise UpstreamFailed(
                    f"{self.name}: {type(error).__name__}", retry_after_s=_COME_BACK_S
                ) from error
            except (UpstreamRefused, UpstreamLimited):
                self._breaker.succeeded()  # it works, but not for us or not now
                raise
            except ParleyError:
                self._breaker.failed()
                raise
        self._breaker.succeeded()

    def check(self) -> None:
        """Leave alone what keeps failing.

        Raises:
            EngineUnavailable: with the time after which a new try makes sense.
        """
        if not self._breaker.allow():
            raise EngineUnavailable(
                f"{self.name} failed several times in a row",
                retry_after_s=max(self._breaker.retry_after_s(), 0.1),
            )

    def refused(self, status: int, headers: Mapping[str, str], text: str = "") -> ParleyError:
        """The error that an HTTP status stands for; ``text`` is the server's own message."""
        said = f"{self.name} answered {status}"
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            return UpstreamRefused(f"{said}; set {self._key_setting}")  # the text may hold a key
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return UpstreamLimited(said, retry_after_s=_seconds(headers.get("retry-after")))
        detailed = f"{said}: {text[:_MOST_DETAIL]}" if text else said
        if status < httpx.codes.INTERNAL_SERVER_ERROR:
            return UpstreamRefused(detailed)
        return UpstreamFailed(detailed, retry_after_s=_COME_BACK_S)


def _seconds(text: str | None) -> float:
    """What a ``Retry-After`` says, where it says seconds."""
    try:
        seconds = float(text or _COME_BACK_S)
    except ValueError:
        return _COME_BACK_S
    return max(seconds, 0.0) if math.isfinite(seconds) else _COME_BACK_S
