"""Who asks: API keys, short-lived tokens, and the origin of browser sockets."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.errors import Forbidden, Unauthorized

_OPEN_PATHS = frozenset({"/", "/live", "/ready", "/health", "/metrics", "/openapi.json"})
_SUBPROTOCOL = "openai-insecure-api-key."
_TOKEN = "ek_"  # noqa: S105 - the prefix of a token


class Keyring:
    """The configured keys. Without any, everybody is the same anonymous owner."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        secrets = [key.get_secret_value() for key in keys]
        self._owners = {key: _fingerprint(key) for key in secrets}
        self._signer = hashlib.sha256("\n".join(sorted(secrets)).encode()).digest()

    @property
    def required(self) -> bool:
        """Whether a key must be presented."""
        return bool(self._owners)

    def owner(self, credential: str | None) -> str:
        """The name under which what this credential makes is kept: a fingerprint.

        Raises:
            Unauthorized: no such key or token, or the token has expired.
        """
        if not self._owners:
            return "anonymous"
        if not credential:
            raise Unauthorized("an API key is required: `Authorization: Bearer KEY`")
        if credential.startswith(_TOKEN):
            return self._token_owner(credential)
        for key, owner in self._owners.items():
            if hmac.compare_digest(key.encode(), credential.encode()):
                return owner
        raise Unauthorized("the API key is not valid")

    def mint(self, owner: str, ttl_s: float) -> tuple[str, int]:
        """A token that stands for ``owner`` for a while, on every replica.

        Returns:
            The token and its expiry in seconds since 1970.
        """
        expires_at = int(time.time() + ttl_s)
        payload = json.dumps([owner, expires_at]).encode()
        signed = payload + self._sign(payload)
        return _TOKEN + base64.urlsafe_b64encode(signed).decode().rstrip("="), expires_at

    def _token_owner(self, token: str) -> str:
        encoded = token.removeprefix(_TOKEN)
        try:
            raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        except (binascii.Error, ValueError):
            raise Unauthorized("the token is not valid") from None
        payload, signature = raw[:-32], raw[-32:]
        if not hmac.compare_digest(self._sign(payload), signature):
            raise Unauthorized("the token is not valid")
        owner, expires_at = json.loads(payload)
        if expires_at < time.time():
            raise Unauthorized("the token has expired")
        return str(owner)

    def _sign(self, payload: bytes) -> bytes:
        return hmac.digest(self._signer, payload, "sha256")


class Auth:
    """Sets ``scope["state"]["owner"]``; refuses who has no key.

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
                state["owner"] = "anonymous"
            else:
                state["owner"] = self._keyring.owner(credential(scope, headers))
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
        if name.startswith(_SUBPROTOCOL):
            return str(name.removeprefix(_SUBPROTOCOL))
    return None


def _fingerprint(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]
