"""The endpoints that an operator and a stranger ask first."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

import shared
from shared.metrics import Metrics
from shared.web.places import Places

Description = Callable[[], Mapping[str, Any] | Awaitable[Mapping[str, Any]]]
"""What the service says of itself in ``/health``: at least ``engine``, and under their
names the parts that it needs, each with ``healthy``, and ``enabled`` where it may go without."""


class Health:
    """``/live /ready /health /metrics`` and ``/``.

    Args:
        count: brings gauges up to date that are counted only when somebody looks.
    """

    def __init__(
        self,
        metrics: Metrics,
        places: Places,
        describe: Description,
        *,
        page: Path | None = None,
        links: Mapping[str, str] | None = None,
        count: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._metrics = metrics
        self._places = places
        self._describe = describe
        self._page = page
        self._links = dict(links or {})
        self._count = count

    def routes(self) -> list[BaseRoute]:
        """For the service's router."""
        return [
            Route("/", self.root),
            Route("/live", self.live),
            Route("/ready", self.ready),
            Route("/health", self.health),
            Route("/metrics", self.metrics),
        ]

    async def root(self, request: Request) -> Response:
        """The page for a browser, a short description for others."""
        if self._page is not None and "text/html" in request.headers.get("accept", ""):
            return FileResponse(self._page)
        links = {"health": "/health", "metrics": "/metrics", "api": "/openapi.json", **self._links}
        described = await self._described()
        return JSONResponse(
            {
                "name": f"parley-{self._metrics.service}",
                "version": shared.__version__,
                "engine": described.get("engine"),
                "links": links,
            }
        )

    async def live(self, _: Request) -> Response:
        """The process answers."""
        return JSONResponse({"live": True})

    async def ready(self, _: Request) -> Response:
        """New work is welcome."""
        ready = not self._places.draining.is_set()
        return JSONResponse({"ready": ready}, 200 if ready else 503)

    async def health(self, _: Request) -> Response:
        """What runs here, and how it is."""
        places = {"capacity": self._places.capacity, "taken": self._places.taken}
        described = await self._described()
        head = {
            "status": self._status(described),
            "service": self._metrics.service,
            "version": shared.__version__,
        }
        return JSONResponse({**head, "places": places, **described})

    def _status(self, described: Mapping[str, Any]) -> str:
        if self._places.draining.is_set():
            return "draining"
        parts = [part for part in described.values() if isinstance(part, Mapping)]
        needed = [part for part in parts if part.get("enabled", True)]
        return "ok" if all(part.get("healthy", True) for part in needed) else "degraded"

    async def _described(self) -> Mapping[str, Any]:
        described = self._describe()
        return await described if isinstance(described, Awaitable) else described

    async def metrics(self, _: Request) -> Response:
        """For Prometheus."""
        if self._count is not None:
            await self._count()
        text, content_type = self._metrics.exposition()
        return Response(text, media_type=content_type)
