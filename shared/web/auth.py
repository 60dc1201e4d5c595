"""Who asks: the credential that a client presents, and the origin of browser sockets."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.errors import Forbidden
from shared.web.keyring import Caller, Keyring

_OPEN_PATHS = frozenset({"/", "/live", "/ready", "/health", "/metrics", "/openapi.json"})
_KEY = "openai-insecure-api-key."
_SECRET = (_KEY, "resume.")
"""Sub-protocols that carry something secret begin so."""


class Auth:
    """Sets ``owner`` and ``caller`` in ``scope["state"]``; refuses who has no key.

    Health, metrics and pages are open. A browser socket from another origin is refused
    unless ``CORS_ORIGINS`` names it: pages of strangers must not reach a local service.
    """

    def __init__(
        self,
        app: ASGIApp,
        keyring: Keyring,
        origins: Sequence[str] = (),
        open_prefixes: Sequence[str] = ("/static/",),
    ) -> None:
        self._app = app
        self._keyring = keyring
        self._origins = frozenset(origins)
        self._open_prefixes = tuple(open_prefixes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then pass on."""
        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            self._check_origin(scope, headers)
            state = scope.setdefault("state", {})
            if self._is_open(scope):
                caller = Caller()
            else:
                caller = self._keyring.caller(credential(scope, headers))
            state["caller"], state["owner"] = caller, caller.owner
        await self._app(scope, receive, send)

    def _is_open(self, scope: Scope) -> bool:
        path = scope["path"]
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            return True
        return path in _OPEN_PATHS or path.startswith(self._open_prefixes)

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        origin = headers.get("origin")
        if scope["type"] != "websocket" or not origin or origin in self._origins:
            return
        if "*" not in self._origins and urlsplit(origin).netloc != headers.get("host"):
            raise Forbidden(f"origin {origin} may not connect; add it to CORS_ORIGINS")


def credential(scope: Scope, headers: Headers) -> str | None:
    """The key or token that the client presents, if any. Never from the URL."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() in ("bearer", "token") and token:
        return token.strip()
    if key := headers.get("x-api-key"):
        return key
    for name in scope.get("subprotocols", ()):
        if name.startswith(_KEY):
            return str(name.removeprefix(_KEY))
    return None


def subprotocol(offered: Iterable[str]) -> str | None:
    """What to answer a client that offers sub-protocols, for every socket the same.

    A browser that offered some drops a connection that names none; a secret is never named.
    """
    return next((name for name in offered if not name.startswith(_SECRET)), None)
