"""Whatever a server says went wrong becomes our own error again."""

import httpx
import pytest

from shared import errors
from shared.clients import faults
from shared.protocol.base import ErrorMessage
from shared.web.faults import response


def kinds(root: type[errors.ParleyError]) -> list[type[errors.ParleyError]]:
    """Every error with a code of its own."""
    own = [child for child in root.__subclasses__() if "code" in vars(child)]
    return [root, *(kind for child in own for kind in kinds(child))]


@pytest.mark.parametrize("kind", kinds(errors.ParleyError))
def test_every_error_survives_both_wires(kind: type[errors.ParleyError]) -> None:
    error = kind("it went wrong", param="speed", retry_after_s=3.0)
    told = faults.of_message(ErrorMessage.of(error))
    sent = response(error)
    answered = faults.of_http(
        httpx.Response(sent.status_code, content=bytes(sent.body), headers=dict(sent.headers))
    )
    for again in (told, answered):
        assert type(again) is kind
        assert (again.message, again.param) == ("it went wrong", "speed")
        assert again.retry_after_s == 3.0


def test_an_unknown_code_is_a_fault_of_the_server() -> None:
    error = faults.of_message(ErrorMessage(code="new", message="?", retryable=False))
    assert type(error) is errors.UpstreamFailed


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.InvalidRequest),
        (401, errors.Unauthorized),
        (404, errors.NotFound),
        (413, errors.TooLarge),
        (429, errors.RateLimited),
        (500, errors.UpstreamFailed),
        (502, errors.UpstreamFailed),
        (503, errors.AtCapacity),
    ],
)
@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"error":"text"}'])
def test_an_answer_that_is_not_ours_goes_by_its_status(
    status: int, kind: type[errors.ParleyError], content: bytes
) -> None:
    error = faults.of_http(httpx.Response(status, content=content))
    assert type(error) is kind
    assert str(status) in error.message


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (None, errors.UpstreamFailed),
        (1006, errors.UpstreamFailed),
        (1007, errors.InvalidRequest),
        (1008, errors.Unauthorized),
        (1009, errors.TooLarge),
        (1011, errors.UpstreamFailed),
        (1012, errors.Draining),
        (1013, errors.AtCapacity),
    ],
)
def test_a_close_code_says_why(code: int | None, kind: type[errors.ParleyError]) -> None:
    assert type(faults.of_close(code)) is kind
