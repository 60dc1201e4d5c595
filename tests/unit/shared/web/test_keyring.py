"""Tokens that stand for a key."""

import base64

import pytest
from pydantic import SecretStr

from shared.errors import Unauthorized
from shared.web.keyring import Caller, Keyring

KEYS = Keyring([SecretStr("alpha"), SecretStr("beta")])


def test_a_token_stands_for_its_owner_on_every_replica() -> None:
    token, _ = KEYS.mint("somebody", 60)
    replica = Keyring([SecretStr("beta"), SecretStr("alpha")])
    assert replica.caller(token).owner == "somebody"


def test_an_expired_token_is_refused() -> None:
    token, _ = KEYS.mint("somebody", -1)
    with pytest.raises(Unauthorized, match="expired"):
        KEYS.caller(token)


@pytest.mark.parametrize(
    "token",
    ["ek_", "ek_x", "ek_%%%", "ek_" + base64.urlsafe_b64encode(b"[]" + bytes(32)).decode()],
)
def test_a_forged_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthorized):
        KEYS.caller(token)


def test_a_token_of_other_keys_is_refused() -> None:
    token, _ = Keyring([SecretStr("other")]).mint("somebody", 60)
    with pytest.raises(Unauthorized):
        KEYS.caller(token)


def test_a_token_carries_the_session_that_it_was_made_for() -> None:
    wanted = {"type": "transcription", "audio": {"input": {"turn_detection": None}}}
    token, _ = KEYS.mint("somebody", 60, wanted)
    assert KEYS.caller(token) == Caller("somebody", by_token=True, session=wanted)


def test_without_keys_a_token_counts_for_its_session_alone() -> None:
    nobody = Keyring([])
    token, _ = nobody.mint("anonymous", 60, {"type": "transcription"})
    assert nobody.caller(token).session == {"type": "transcription"}
    assert nobody.caller("ek_of-some-other-server") == Caller()
