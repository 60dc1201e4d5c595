"""Who may come in: API keys, and the short-lived tokens that are made with them."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from shared.errors import Unauthorized

_TOKEN = "ek_"  # noqa: S105 - the prefix of a token


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever presented a credential."""

    owner: str = "anonymous"
    """The name under which what it makes is kept: a fingerprint of the key."""
    by_token: bool = False
    """It came with a token, which makes no further tokens."""
    session: Mapping[str, Any] | None = None
    """What its session is to be, where the token was made for one."""


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

    def caller(self, credential: str | None) -> Caller:
        """Whose credential it is.

        Raises:
            Unauthorized: no such key or token, or the token has expired.
        """
        if not self.required:
            return self._anybody(credential or "")
        if not credential:
            raise Unauthorized("an API key is required: `Authorization: Bearer KEY`")
        if credential.startswith(_TOKEN):
            return self._bearer(credential)
        for key, owner in self._owners.items():
            if hmac.compare_digest(key.encode(), credential.encode()):
                return Caller(owner)
        raise Unauthorized("the API key is not valid")

    def mint(
        self, owner: str, ttl_s: float, session: Mapping[str, Any] | None = None
    ) -> tuple[str, int]:
        """A token that stands for ``owner`` for a while, on every replica.

        Args:
            session: what the session opened with it is to be; it travels in the token.

        Returns:
            The token and its expiry in seconds since 1970.
        """
        expires_at = int(time.time() + ttl_s)
        payload = json.dumps([owner, expires_at, session], separators=(",", ":")).encode()
        signed = payload + self._sign(payload)
        return _TOKEN + base64.urlsafe_b64encode(signed).decode().rstrip("="), expires_at

    def _anybody(self, credential: str) -> Caller:
        """Where no key is asked for a token counts only for the session in it."""
        try:
            return self._bearer(credential) if credential.startswith(_TOKEN) else Caller()
        except Unauthorized:
            return Caller()  # a token of some other server, sent out of habit

    def _bearer(self, token: str) -> Caller:
        encoded = token.removeprefix(_TOKEN)
        try:
            raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        except (binascii.Error, ValueError):
            raise Unauthorized("the token is not valid") from None
        payload, signature = raw[:-32], raw[-32:]
        if not hmac.compare_digest(self._sign(payload), signature):
            raise Unauthorized("the token is not valid")
        owner, expires_at, session = json.loads(payload)
        if expires_at < time.time():
            raise Unauthorized("the token has expired")
        return Caller(str(owner), by_token=True, session=session)

    def _sign(self, payload: bytes) -> bytes:
        return hmac.digest(self._signer, payload, "sha256")


def _fingerprint(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]
