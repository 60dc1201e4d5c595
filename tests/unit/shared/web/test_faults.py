"""Whatever is raised is told to the client as its wire allows."""

import json
import logging
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from shared.errors import AtCapacity, NotFound, Unauthorized
from shared.web.faults import Disconnected, Faults
from tests.unit.shared.web.asgi import Raising, call, http, metrics, websocket

ACCEPT: Message = {"type": "websocket.accept"}
START: Message = {"type": "http.response.start", "status": 200, "headers": []}


def status_and_body(sent: list[Message]) -> tuple[int, dict[str, Any]]:
    return sent[0]["status"], json.loads(sent[1]["body"])


async def test_an_error_becomes_openais_body() -> None:
    error = NotFound("no such model", param="model")
    status, body = status_and_body(await call(Faults(Raising(error), metrics()), http()))
    assert status == 404
    assert body["error"] == {
        "message": "no such model",
        "type": "invalid_request_error",
        "param": "model",
        "code": "not_found",
    }


async def test_retry_after_is_whole_seconds_and_never_0() -> None:
    error = AtCapacity("full", retry_after_s=0.2)
    sent = await call(Faults(Raising(error), metrics()), http())
    assert (b"retry-after", b"1") in sent[0]["headers"]


async def test_who_is_not_known_is_told_how_to_be() -> None:
    sent = await call(Faults(Raising(Unauthorized("who?")), metrics()), http())
    assert (b"www-authenticate", b"Bearer") in sent[0]["headers"]


async def test_an_unforeseen_error_is_logged_but_not_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        sent = await call(Faults(Raising(ValueError("inner secret")), metrics()), http())
    status, body = status_and_body(sent)
    assert status == 500
    assert "inner secret" not in str(body)
    assert "inner secret" in str(caplog.records[0].exc_info)


async def test_a_body_that_was_begun_is_cut_off() -> None:
    sent = await call(Faults(Raising(NotFound("late"), START), metrics()), http())
    assert sent == [START]


async def test_a_handshake_is_denied_with_a_whole_answer() -> None:
    sent = await call(Faults(Raising(AtCapacity("full")), metrics()), websocket())
    assert sent[0]["type"] == "websocket.http.response.start"
    assert sent[0]["status"] == 503


async def test_a_server_without_denial_closes_with_the_errors_code() -> None:
    app = Faults(Raising(AtCapacity("full")), metrics())
    assert await call(app, websocket(denial=False)) == [{"type": "websocket.close", "code": 1013}]


async def test_an_open_socket_gets_the_error_and_is_closed_with_its_code() -> None:
    app = Faults(Raising(Unauthorized("expired"), ACCEPT), metrics())
    _, error, close = await call(app, websocket())
    assert json.loads(error["text"])["code"] == "unauthorized"
    assert close == {"type": "websocket.close", "code": 1008}


@pytest.mark.parametrize("gone", [Disconnected(1006), ClientDisconnect()])
async def test_nobody_is_told_when_nobody_is_there(gone: Exception) -> None:
    assert await call(Faults(Raising(gone, ACCEPT), metrics()), websocket()) == [ACCEPT]


async def test_refusals_are_counted_by_code() -> None:
    counted = metrics()
    await call(Faults(Raising(AtCapacity("full")), counted), http())
    assert b'parley_test_refused_total{code="at_capacity"} 1.0' in counted.exposition()[0]
