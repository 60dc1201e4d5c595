"""Ids, metrics and one log line for every request and connection."""

import logging
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.clock import Clock
from shared.logs import correlated
from shared.metrics import Metrics

log = logging.getLogger(__name__)

_QUIET = frozenset({"/live", "/ready", "/health", "/metrics"})


class Observe:
    """Outermost: everything inside carries a ``request_id``."""

    def __init__(self, app: ASGIApp, metrics: Metrics, clock: Clock) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count, time and log."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id = _header(scope, b"x-request-id") or secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        with correlated(request_id=request_id):
            if scope["type"] == "http":
                await self._http(scope, receive, send, request_id)
            else:
                await self._websocket(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        status = "499"  # nobody was left to answer

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
                message.setdefault("headers", []).append((b"x-request-id", request_id.encode()))
            await send(message)

        began = self._clock.now()
        try:
            await self._app(scope, receive, watched)
        finally:
            seconds = self._clock.now() - began
            route = _route(scope)
            self._metrics.requests.labels(scope["method"], route, status).inc()
            self._metrics.request_seconds.labels(route).observe(seconds)
            level = logging.DEBUG if scope["path"] in _QUIET else logging.INFO
            details = {"method": scope["method"], "route": route, "status": int(status)}
            log.log(level, "request", extra={**details, "ms": round(seconds * 1000, 1)})

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = self._clock.now()
        gauge = self._metrics.connections.labels("websocket")
        gauge.inc()
        try:
            await self._app(scope, receive, send)
        finally:
            gauge.dec()
            seconds = round(self._clock.now() - began, 3)
            log.info("connection closed", extra={"route": _route(scope), "seconds": seconds})


def _route(scope: Scope) -> str:
    """The route's pattern, so that ids in paths make no new time series."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    if isinstance(path, str):
        return path
    endpoint = scope.get("endpoint")
    return getattr(endpoint, "__qualname__", "unmatched")


def _header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name and len(value) <= 128:
            return str(value.decode("latin-1"))
    return None
