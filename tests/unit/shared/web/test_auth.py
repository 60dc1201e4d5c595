"""Keys, tokens, origins."""

import base64
from typing import Any

import pytest
from pydantic import SecretStr

from shared.errors import Forbidden, Unauthorized
from shared.web.auth import Auth, Keyring
from tests.unit.shared.web.asgi import Recording, call, http, websocket

KEYS = Keyring([SecretStr("alpha"), SecretStr("beta")])


async def owner(scope: dict[str, Any], keyring: Keyring = KEYS) -> str:
    app = Recording()
    await call(Auth(app, keyring), scope)
    return str(app.scope["state"]["owner"])


async def test_without_keys_everybody_is_the_same() -> None:
    assert await owner(http(), Keyring([])) == "anonymous"


@pytest.mark.parametrize(
    "scope",
    [
        http(authorization="Bearer alpha"),
        http(authorization="bearer alpha"),
        http(authorization="Token alpha"),
        http(x_api_key="alpha"),
        websocket() | {"subprotocols": ["realtime", "openai-insecure-api-key.alpha"]},
    ],
)
async def test_every_way_to_present_a_key_gives_the_same_owner(scope: dict[str, Any]) -> None:
    assert await owner(scope) == KEYS.owner("alpha")


async def test_two_keys_are_two_owners_and_neither_is_the_key() -> None:
    assert KEYS.owner("alpha") != KEYS.owner("beta")
    assert "alpha" not in KEYS.owner("alpha")


@pytest.mark.parametrize(
    "scope", [http(), http(authorization="Bearer gamma"), http(authorization="alpha"), websocket()]
)
async def test_no_key_or_a_wrong_one_is_refused(scope: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        await owner(scope)


async def test_a_key_in_the_url_does_not_count() -> None:
    with pytest.raises(Unauthorized):
        await owner(http() | {"query_string": b"api_key=alpha"})


@pytest.mark.parametrize("path", ["/", "/live", "/ready", "/health", "/metrics", "/static/x.js"])
async def test_health_and_pages_are_open(path: str) -> None:
    assert await owner(http(path)) == "anonymous"


def test_a_token_stands_for_its_owner_on_every_replica() -> None:
    token, _ = KEYS.mint("somebody", 60)
    replica = Keyring([SecretStr("beta"), SecretStr("alpha")])
    assert replica.owner(token) == "somebody"


def test_an_expired_token_is_refused() -> None:
    token, _ = KEYS.mint("somebody", -1)
    with pytest.raises(Unauthorized, match="expired"):
        KEYS.owner(token)


@pytest.mark.parametrize(
    "token",
    ["ek_", "ek_x", "ek_%%%", "ek_" + base64.urlsafe_b64encode(b"[]" + bytes(32)).decode()],
)
def test_a_forged_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthorized):
        KEYS.owner(token)


def test_a_token_of_other_keys_is_refused() -> None:
    token, _ = Keyring([SecretStr("other")]).mint("somebody", 60)
    with pytest.raises(Unauthorized):
        KEYS.owner(token)


ELSEWHERE = {"origin": "http://elsewhere.example", "host": "127.0.0.1:8001"}


async def test_a_page_of_strangers_cannot_open_a_socket() -> None:
    with pytest.raises(Forbidden, match="CORS_ORIGINS"):
        await call(Auth(Recording(), Keyring([])), websocket(headers=ELSEWHERE))


@pytest.mark.parametrize("allowed", ["http://elsewhere.example", "*"])
async def test_a_named_origin_can(allowed: str) -> None:
    app = Auth(Recording(), Keyring([]), [allowed])
    assert await call(app, websocket(headers=ELSEWHERE))


async def test_the_services_own_page_can() -> None:
    same = websocket(headers={"origin": "http://127.0.0.1:8001", "host": "127.0.0.1:8001"})
    assert await call(Auth(Recording(), Keyring([])), same)
