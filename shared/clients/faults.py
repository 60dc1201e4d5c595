"""What went wrong at a server, as our own errors: the one place that maps them back."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import httpx

from shared.errors import (
    AtCapacity,
    DeadlineExceeded,
    Draining,
    InvalidRequest,
    NotFound,
    ParleyError,
    RateLimited,
    TooLarge,
    Unauthorized,
    UpstreamFailed,
)
from shared.protocol.base import ErrorMessage

_BY_STATUS: Mapping[int, type[ParleyError]] = {
    HTTPStatus.BAD_REQUEST: InvalidRequest,
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.FORBIDDEN: Unauthorized,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TooLarge,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimited,
    HTTPStatus.SERVICE_UNAVAILABLE: AtCapacity,
    HTTPStatus.GATEWAY_TIMEOUT: DeadlineExceeded,
}
_BY_CLOSE_CODE: Mapping[int, type[ParleyError]] = {
    1001: Draining,
    1007: InvalidRequest,
    1008: Unauthorized,
    1009: TooLarge,
    1012: Draining,
    1013: AtCapacity,
}


def of_message(message: ErrorMessage) -> ParleyError:
    """The error that an ``error`` message tells of."""
    kind = _named(message.code)
    return kind(message.message, param=message.param, retry_after_s=message.retry_after_s)


def of_response(status: int, body: Any, retry_after: str | None = None) -> ParleyError:
    """The error that an HTTP answer tells of.

    Args:
        status: of the answer, 400 or more.
        body: its parsed JSON; OpenAI's ``{"error": {…}}`` where the server is ours.
        retry_after: the header, in seconds.
    """
    told = body.get("error") if isinstance(body, dict) else None
    told = told if isinstance(told, dict) else {}
    code = str(told.get("code") or "")
    kind = _KINDS.get(code) or _BY_STATUS.get(status, UpstreamFailed)
    message = str(told.get("message") or f"the server answered {status}")
    wait = float(retry_after) if retry_after and retry_after.isdigit() else None
    return kind(message, param=told.get("param"), retry_after_s=wait)


def of_http(response: httpx.Response) -> ParleyError:
    """The error that httpx's answer tells of; its body must have been read."""
    try:
        body = response.json()
    except ValueError:
        body = None
    return of_response(response.status_code, body, response.headers.get("Retry-After"))


def of_close(code: int | None, reason: str = "") -> ParleyError:
    """The error that a WebSocket's close code tells of; None: the line was cut."""
    kind = UpstreamFailed if code is None else _BY_CLOSE_CODE.get(code, UpstreamFailed)
    return kind(reason or f"the connection was closed ({code or 'cut'})")


def _kinds(root: type[ParleyError]) -> Iterator[type[ParleyError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _kinds(kind)


# Children first, so that a code which a child shares with its parent means the parent.
_KINDS = {kind.code: kind for kind in reversed([*_kinds(ParleyError)])}


def _named(code: str) -> type[ParleyError]:
    return _KINDS.get(code, UpstreamFailed)
