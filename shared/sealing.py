"""Encryption at rest: AES-256-GCM, bound to what the sealed thing is.

A sealed value opens only in the context that it was sealed for (a voice's id, a session's
id), so that nobody who can write to the store can pass one off as another.
"""

import base64
import binascii
import secrets
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from shared.errors import ParleyError

_NONCE_BYTES = 12
_KEY_BYTES = 32
_MARK = b"\x01"
"""First byte of a sealed value: the format's version. Plain values begin with 0."""
_PLAIN = b"\x00"


class CannotOpen(ParleyError):
    """A sealed value is damaged, of another context, or of another key."""

    code = "cannot_open"


class Sealer(Protocol):
    """Seals and opens."""

    def seal(self, plain: bytes, context: str) -> bytes:
        """What may be stored."""
        ...

    def open(self, sealed: bytes, context: str) -> bytes:
        """What was sealed.

        Raises:
            CannotOpen: damaged, of another context, or of another key.
        """
        ...


class AesSealer:
    """Seals with a key of 32 bytes; opens what was stored before there was a key, too."""

    def __init__(self, key: bytes) -> None:
        self._aes = AESGCM(key)

    def seal(self, plain: bytes, context: str) -> bytes:
        """Version, nonce, ciphertext and tag."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _MARK + nonce + self._aes.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """The plain bytes."""
        if sealed[:1] == _PLAIN:
            return sealed[1:]
        if sealed[:1] != _MARK:
            raise CannotOpen("what is stored is damaged, or of a later format")
        nonce, rest = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._aes.decrypt(nonce, rest, context.encode())
        except (InvalidTag, ValueError):
            raise CannotOpen("what is stored does not open with this key") from None


class NoSealer:
    """Stores as it is; refuses what was sealed."""

    def seal(self, plain: bytes, context: str) -> bytes:  # noqa: ARG002 - the protocol's shape
        """The bytes, marked as plain."""
        return _PLAIN + plain

    def open(self, sealed: bytes, context: str) -> bytes:  # noqa: ARG002 - the protocol's shape
        """The plain bytes."""
        if sealed[:1] != _PLAIN:
            raise CannotOpen("what is stored is encrypted, and no key is set")
        return sealed[1:]


def sealer(key: SecretStr | None) -> Sealer:
    """The sealer for a setting: 32 bytes in base64 (``openssl rand -base64 32``), or none.

    Raises:
        ValueError: it is not that.
    """
    if key is None:
        return NoSealer()
    try:
        raw = base64.b64decode(key.get_secret_value(), validate=True)
    except binascii.Error:
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise ValueError("a key is 32 bytes in base64; make one with `openssl rand -base64 32`")
    return AesSealer(raw)
