"""Calls to a speech server of somebody else, over HTTP."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from shared.clock import Clock, SystemClock
from shared.errors import UpstreamFailed
from shared.upstream import Upstream

_CONNECT_S = 3.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is and how it knows us."""

    url: str
    headers: Mapping[str, str]
    connections: int
    """Calls at once."""
    timeout_s: float = 30.0
    """Longest silence of the server."""


@dataclass(frozen=True, slots=True)
class UpstreamOptions:
    """What an engine asks of the server, and says of itself."""

    model: str
    voices: tuple[str, ...]
    """Voices offered; for ElevenLabs none: all that the server lists."""
    capacity: int
    """Requests at once."""
    reason: str = ""
    """Why the engine was chosen."""


class SpeechServer:
    """One server. Not on a thread: calls are awaited on the event loop."""

    def __init__(self, address: Address, *, clock: Clock | None = None) -> None:
        self._client = httpx.AsyncClient(
            base_url=address.url,
            headers=dict(address.headers),
            timeout=httpx.Timeout(address.timeout_s, connect=_CONNECT_S),
            limits=httpx.Limits(max_connections=address.connections),
        )
        self._upstream = Upstream(
            httpx.URL(address.url).host,
            clock or SystemClock(),
            at_once=address.connections,
            timeout_s=address.timeout_s,
            key_setting="TTS_UPSTREAM_KEY",
        )

    async def aclose(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def get(self, path: str) -> Any:
        """The JSON at `path`.

        Raises:
            ParleyError: see `stream`.
        """
        async with self._upstream.call():
            answer = await self._client.get(path)
            self._check(answer)
            try:
                return answer.json()
            except ValueError as error:
                raise UpstreamFailed(f"{self._upstream.name} sent what is no JSON") from error

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
        async with (
            self._upstream.call(streamed=True),
            self._client.stream("POST", path, json=dict(body), params=dict(params or {})) as answer,
        ):
            if answer.is_error:
                await answer.aread()
            self._check(answer)
            yield answer

    def _check(self, answer: httpx.Response) -> None:
        if answer.is_error:
            raise self._upstream.refused(answer.status_code, answer.headers, answer.text)
