"""Keys, sub-protocols, origins."""

from typing import Any

import pytest
from pydantic import SecretStr

from shared.errors import Forbidden, Unauthorized
from shared.web.auth import Auth, subprotocol
from shared.web.keyring import Keyring
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
    assert await owner(scope) == KEYS.caller("alpha").owner


async def test_two_keys_are_two_owners_and_neither_is_the_key() -> None:
    assert KEYS.caller("alpha").owner != KEYS.caller("beta").owner
    assert "alpha" not in KEYS.caller("alpha").owner


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


@pytest.mark.parametrize(
    ("offered", "named"),
    [
        ((), None),
        (("openai-insecure-api-key.alpha",), None),
        (("resume.token.4",), None),
        (("openai-insecure-api-key.alpha", "realtime"), "realtime"),
        (("resume.token.4", "parley", "realtime"), "parley"),
    ],
)
def test_a_browser_is_answered_with_what_it_offers_but_never_with_a_secret(
    offered: tuple[str, ...], named: str | None
) -> None:
    assert subprotocol(offered) == named


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
