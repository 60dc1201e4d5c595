"""So many requests a minute for each client."""

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.clock import Clock
from shared.errors import RateLimited
from shared.recent import Recent

_MOST_CLIENTS = 10_000
_FREE = frozenset({"/live", "/ready", "/health", "/metrics"})


class RateLimit:
    """A token bucket a client: the owner of the key, or the address without keys."""

    def __init__(self, app: ASGIApp, per_minute: int, clock: Clock) -> None:
        self._app = app
        self._rate = per_minute / 60
        self._burst = float(per_minute)
        self._clock = clock
        self._buckets = Recent[str, tuple[float, float]](_MOST_CLIENTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Spend a token, or refuse."""
        if self._rate and scope["type"] != "lifespan" and scope["path"] not in _FREE:
            self._spend(_client(scope))
        await self._app(scope, receive, send)

    def _spend(self, client: str) -> None:
        now = self._clock.now()
        tokens, seen_at = self._buckets.get(client) or (self._burst, now)
        tokens = min(self._burst, tokens + (now - seen_at) * self._rate)
        allowed = tokens >= 1
        self._buckets.put(client, (tokens - 1 if allowed else tokens, now))
        if not allowed:
            wait = (1 - tokens) / self._rate
            raise RateLimited("too many requests", retry_after_s=wait)


def _client(scope: Scope) -> str:
    owner = scope.get("state", {}).get("owner", "anonymous")
    if owner != "anonymous":
        return str(owner)
    address = scope.get("client")
    return str(address[0]) if address else "unknown"
