"""What is sealed opens with its key, in its context, unchanged, or not at all."""

import base64
import secrets

import pytest
from pydantic import SecretStr

from shared.sealing import CannotOpen, NoSealer, sealer

KEY = SecretStr(base64.b64encode(secrets.token_bytes(32)).decode())
OTHER = SecretStr(base64.b64encode(secrets.token_bytes(32)).decode())


def test_what_was_sealed_opens_and_does_not_show() -> None:
    sealed = sealer(KEY).seal(b"a voice", "voice:1")
    assert b"a voice" not in sealed
    assert sealer(KEY).open(sealed, "voice:1") == b"a voice"


def test_the_same_is_sealed_differently_each_time() -> None:
    made = sealer(KEY)
    assert made.seal(b"x", "c") != made.seal(b"x", "c")


def test_another_key_context_or_a_changed_byte_does_not_open() -> None:
    sealed = sealer(KEY).seal(b"a voice", "voice:1")
    damaged = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for wrong, value, context in [
        (sealer(OTHER), sealed, "voice:1"),
        (sealer(KEY), sealed, "voice:2"),
        (sealer(KEY), damaged, "voice:1"),
        (sealer(KEY), sealed[:5], "voice:1"),
        (sealer(KEY), b"\x02" + sealed[1:], "voice:1"),  # a later format
        (NoSealer(), sealed, "voice:1"),
    ]:
        with pytest.raises(CannotOpen):
            wrong.open(value, context)


def test_what_was_stored_before_there_was_a_key_still_opens() -> None:
    plain = sealer(None).seal(b"old", "c")
    assert sealer(KEY).open(plain, "c") == sealer(None).open(plain, "c") == b"old"


@pytest.mark.parametrize(
    "bad",
    [
        "short",
        "%%%",
        base64.b64encode(b"x" * 31).decode(),
        f"!{base64.b64encode(b'x' * 32).decode()}",
    ],
)
def test_a_key_that_is_no_key_is_refused_with_the_way_to_make_one(bad: str) -> None:
    with pytest.raises(ValueError, match="openssl rand -base64 32"):
        sealer(SecretStr(bad))
