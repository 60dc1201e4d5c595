"""How ASR and TTS are: asked for ``/health``, not remembered from the last conversation."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict

from shared.clock import Clock

_PATIENCE_S = 1.0
_FRESH_S = 1.0
"""An answer is good for so long: strangers may ask for ``/health`` as often as they like."""
_WORKING = frozenset({"ok", "degraded"})


class _Named(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str


class _Told(BaseModel):
    """What is looked at of a service's own ``/health``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    status: str
    engine: _Named
    places: dict[str, int]


class Neighbours:
    """The services that conversations are made of.

    Args:
        urls: by name; no key is needed.
    """

    def __init__(self, http: httpx.AsyncClient, urls: Mapping[str, str], clock: Clock) -> None:
        self._http = http
        self._urls = urls
        self._clock = clock
        self._asking = asyncio.Lock()
        self._told: dict[str, dict[str, Any]] = {}
        self._asked_at = 0.0

    async def health(self) -> Mapping[str, Mapping[str, Any]]:
        """Of each: ``healthy``, whether a conversation would be taken, and why not."""
        async with self._asking:
            if not self._told or self._clock.now() - self._asked_at >= _FRESH_S:
                answers = await asyncio.gather(*map(self._ask, self._urls.values()))
                self._told = dict(zip(self._urls, answers, strict=True))
                self._asked_at = self._clock.now()
            return self._told

    async def _ask(self, url: str) -> dict[str, Any]:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                answer = await self._http.get(f"{url}/health")
            told = _Told.model_validate_json(answer.content)
        except (httpx.HTTPError, TimeoutError):
            return {"url": url, "healthy": False, "status": "not answering", "engine": None}
        except ValueError:
            return {"url": url, "healthy": False, "status": "not a Parley service", "engine": None}
        return {
            "url": url,
            "healthy": told.status in _WORKING,
            "status": told.status,
            "engine": told.engine.name,
            "places": told.places,
        }
