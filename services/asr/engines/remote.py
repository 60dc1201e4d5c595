"""What the remote engines have in common: a limit, a breaker, and whose fault it was."""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from shared.audio.pcm import Encoding, Samples, encode
from shared.audio.wav import header
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

_REFUSED_UP_TO = 499


class Upstream:
    """One server that we call, for all connections of the service."""

    def __init__(self, name: str, clock: Clock, *, at_once: int, timeout_s: float) -> None:
        """Set up.

        Args:
            name: of the server, for messages.
            at_once: calls under way at the same time; the others wait.
            timeout_s: longest wait for an answer.
        """
        self.name = name
        self.timeout_s = timeout_s
        self.breaker = CircuitBreaker(clock)
        self._places = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Hold a place while calling; failures of the server's count towards the breaker.

        Raises:
            EngineUnavailable: it failed several times in a row.
            DeadlineExceeded: it did not answer in time.
            UpstreamFailed: the connection failed.
        """
        self.check()
        async with self._places:
            try:
                async with asyncio.timeout(self.timeout_s):
                    yield
            except (TimeoutError, httpx.TimeoutException) as error:
                self.breaker.failed()
                raise DeadlineExceeded(
                    f"{self.name} did not answer within {self.timeout_s:g} s"
                ) from error
            except (OSError, httpx.HTTPError) as error:
                self.breaker.failed()
                raise UpstreamFailed(f"{self.name}: {type(error).__name__}") from error
            except (UpstreamRefused, UpstreamLimited):
                raise  # it works, but not for us or not now
            except ParleyError:
                self.breaker.failed()
                raise
        self.breaker.succeeded()

    def check(self) -> None:
        """Leave alone what keeps failing.

        Raises:
            EngineUnavailable: with the time after which a new try makes sense.
        """
        if not self.breaker.allow():
            raise EngineUnavailable(
                f"{self.name} failed several times in a row",
                retry_after_s=max(self.breaker.retry_after_s(), 0.1),
            )

    def refused(self, status: int, headers: Mapping[str, str], text: str = "") -> ParleyError:
        """The error that an HTTP status stands for; ``text`` is the server's own message."""
        said = f"{self.name} answered {status}" + (f": {text[:200]}" if text else "")
        if status in (401, 403):
            return UpstreamRefused(f"{said}; set ASR_UPSTREAM_KEY")
        if status == 429:
            return UpstreamLimited(said, retry_after_s=_seconds(headers.get("retry-after")))
        if status <= _REFUSED_UP_TO:
            return UpstreamRefused(said)
        return UpstreamFailed(said)


def wav(samples: Samples, sample_rate: int) -> bytes:
    """A whole WAV file, 16 bit."""
    data = encode(samples, Encoding.S16LE)
    return header(sample_rate, data_bytes=len(data)) + data


BROKEN = (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError)
"""What reading an answer raises that is not as its protocol says."""


def moment(value: object) -> float:
    """A time in somebody's answer.

    Raises:
        ValueError, TypeError: it is no number of seconds.
    """
    seconds = float(value)  # type: ignore[arg-type]
    if not math.isfinite(seconds):
        raise ValueError("a time that is no number")
    return seconds


def _seconds(text: str | None) -> float | None:
    try:
        return max(moment(text), 0.0) if text else None
    except ValueError:
        return None
