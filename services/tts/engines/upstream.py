"""Calls to a speech server of somebody else: bounded, broken off when it keeps failing, mapped.

The one place where its failures become ours.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from shared.clock import Clock, SystemClock
from shared.errors import (
    DeadlineExceeded,
    EngineUnavailable,
    ParleyError,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
)
from shared.resilience import CircuitBreaker

_CONNECT_S = 3.0
_MOST_DETAIL = 200


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is and how it knows us."""

    url: str
    headers: Mapping[str, str]
    connections: int
    """Calls at once."""
    timeout_s: float = 30.0
    """Longest silence of the server."""


class Upstream:
    """One server. Not on a thread: calls are awaited on the event loop."""

    def __init__(self, address: Address, *, clock: Clock | None = None) -> None:
        self._client = httpx.AsyncClient(
            base_url=address.url,
            headers=dict(address.headers),
            timeout=httpx.Timeout(address.timeout_s, connect=_CONNECT_S),
            limits=httpx.Limits(max_connections=address.connections),
        )
        self._places = asyncio.Semaphore(address.connections)
        self._breaker = CircuitBreaker(clock or SystemClock())

    async def aclose(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def get(self, path: str) -> Any:
        """The JSON at `path`.

        Raises:
            ParleyError: see `stream`.
        """
        try:
            answer = await self._client.get(path)
            _check(answer)
            return answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _ours(error) from error

    @asynccontextmanager
    async def stream(
        self, path: str, body: Mapping[str, object], params: Mapping[str, str] | None = None
    ) -> AsyncGenerator[httpx.Response, None]:
        """The answer to a POST, as it arrives.

        Raises:
            EngineUnavailable: the server has failed several times in a row.
            UpstreamRefused: it refused our key or our request. UpstreamLimited: 429.
            DeadlineExceeded: it fell silent. UpstreamFailed: it failed or hung up.
        """
        if not self._breaker.allow():
            wait = max(self._breaker.retry_after_s(), 0.1)
            raise EngineUnavailable("the speech server keeps failing", retry_after_s=wait)
        async with self._places:
            try:
                async with self._client.stream(
                    "POST", path, json=dict(body), params=dict(params or {})
                ) as answer:
                    if answer.is_error:
                        await answer.aread()
                    _check(answer)
                    yield answer
            except httpx.HTTPError as error:
                self._breaker.failed()
                raise _ours(error) from error
            except UpstreamFailed as error:
                self._judge(error)
                raise
            self._breaker.succeeded()

    def _judge(self, error: UpstreamFailed) -> None:
        """A refusal is an answer; only failures count."""
        if isinstance(error, UpstreamRefused | UpstreamLimited):
            self._breaker.succeeded()
        else:
            self._breaker.failed()


def _check(answer: httpx.Response) -> None:
    status = answer.status_code
    if not answer.is_error:
        return
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise UpstreamLimited("the speech server is over its limits", retry_after_s=_wait(answer))
    detail = answer.text[:_MOST_DETAIL] if status < 500 and status not in (401, 403) else ""
    message = f"the speech server answered {status}{': ' + detail if detail else ''}"
    raise UpstreamRefused(message) if status < 500 else UpstreamFailed(message, retry_after_s=1.0)


def _wait(answer: httpx.Response) -> float:
    told = answer.headers.get("retry-after", "")
    return float(told) if told.replace(".", "", 1).isdigit() else 1.0


def _ours(error: Exception) -> ParleyError:
    if isinstance(error, httpx.TimeoutException):
        return DeadlineExceeded("the speech server fell silent", retry_after_s=1.0)
    name = type(error).__name__
    return UpstreamFailed(f"the speech server failed: {name}", retry_after_s=1.0)
