"""Tokens for pages, over HTTP."""

import time
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.clock import SystemClock
from shared.config import Settings
from shared.web.client_secrets import ClientSecrets, Describe
from shared.web.keyring import Keyring
from shared.web.places import Places
from shared.web.service import assemble
from tests.unit.shared.web.asgi import metrics

KEYED = {"authorization": "Bearer alpha"}


async def whoami(request: Request) -> Response:
    caller = request.state.caller
    return JSONResponse({"owner": caller.owner, "session": caller.session})


def client(describe: Describe | None = None) -> httpx.AsyncClient:
    keyring = Keyring([SecretStr("alpha")])
    secrets = ClientSecrets(keyring, describe) if describe else ClientSecrets(keyring)
    service = assemble(
        [*secrets.routes(), Route("/whoami", whoami)],
        settings=Settings(),
        metrics=metrics(),
        places=Places(1),
        keyring=keyring,
        clock=SystemClock(),
    )
    transport = httpx.ASGITransport(service.app)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def made(http: httpx.AsyncClient, body: Any = None, **headers: str) -> httpx.Response:
    path = "/v1/realtime/client_secrets"
    return await http.post(path, json=body, headers={**KEYED, **headers})


async def test_a_token_is_the_owner_of_the_key_for_ten_minutes() -> None:
    async with client() as http:
        answer = (await http.post("/v1/realtime/client_secrets", headers=KEYED)).json()
        assert 590 < answer["expires_at"] - time.time() <= 600
        key = (await http.get("/whoami", headers=KEYED)).json()
        token = {"authorization": f"Bearer {answer['value']}"}
        assert (await http.get("/whoami", headers=token)).json() == key


async def test_who_has_no_key_gets_no_token() -> None:
    async with client() as http:
        assert (await http.post("/v1/realtime/client_secrets")).status_code == 401


async def test_a_token_makes_no_tokens() -> None:
    async with client() as http:
        token = (await made(http, {"expires_after": {"seconds": 10}})).json()["value"]
        answer = await made(http, {}, authorization=f"Bearer {token}")
        assert answer.status_code == 403


async def test_the_session_travels_in_the_token_and_is_shown_whole() -> None:
    async with client(lambda wanted: {"type": "transcription", **(wanted or {})}) as http:
        answer = (await made(http, {"session": {"language": "en"}})).json()
        assert answer["session"] == {"type": "transcription", "language": "en"}
        token = {"authorization": f"Bearer {answer['value']}"}
        shown = (await http.get("/whoami", headers=token)).json()
        assert shown["session"] == {"language": "en"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"expires_after": {"seconds": 9}}, "expires_after"),
        ({"expires_after": {"seconds": 7201}}, "expires_after"),
        ({"expires_after": {"anchor": "now"}}, "expires_after"),
        ({"session": []}, "session"),
        ({"session": {"type": "realtime"}}, "session"),
        ({"session": {"prompt": "long" * 2000}}, "session"),
        ([], None),
    ],
)
async def test_what_cannot_be_is_refused_by_name(body: Any, param: str | None) -> None:
    async with client() as http:
        answer = await made(http, body)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == param
