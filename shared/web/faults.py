"""The one place where errors become HTTP bodies, WebSocket messages and close codes."""

import logging
import math
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import ParleyError
from shared.metrics import Metrics
from shared.protocol.base import ErrorMessage

log = logging.getLogger(__name__)

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class Disconnected(Exception):
    """The peer went away; there is nobody to tell."""


def body(code: str, message: str, status: int, param: str | None = None) -> dict[str, object]:
    """OpenAI's error body."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def response(error: ParleyError) -> Response:
    """The HTTP answer that tells of ``error``."""
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if error.http_status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    content = body(error.code, error.message, error.http_status, error.param)
    return JSONResponse(content, error.http_status, headers)


class Faults:
    """Outermost but one: whatever is raised inside is told to the client."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app; answer for it when it fails."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        scope["app"] = self  # starlette then raises its 404 and 405 instead of answering
        answer = _Answer(scope, receive, send)
        try:
            await self._app(scope, receive, answer.send)
        except (ClientDisconnect, Disconnected):
            log.info("client left")
        except HTTPException as error:
            await answer.refuse_plain(error)
        except ParleyError as error:
            self._metrics.refused.labels(error.code).inc()
            await answer.fail(error)
        except Exception:  # the boundary: the client gets an error, the log the trace
            log.exception("request failed")
            self._metrics.errors.labels(ParleyError.code).inc()
            await answer.fail(ParleyError("internal error; see the service's log"))


class _Answer:
    """What was already sent, which decides what can still be said."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._begun = False
        self._closed = False

    async def send(self, message: Message) -> None:
        """Pass on, and remember."""
        if message["type"] in ("http.response.start", "websocket.accept"):
            self._begun = True
        if message["type"] == "websocket.close":
            self._closed = True
        await self._send(message)

    async def fail(self, error: ParleyError) -> None:
        """Tell of the error as the wire allows."""
        if self._scope["type"] == "http":
            if not self._begun:  # else the cut-off body tells
                await response(error)(self._scope, self._receive, self._send)
        elif not self._begun:
            await self._deny(response(error), error.close_code)
        elif not self._closed:
            text = ErrorMessage.of(error).wire()
            await self._send({"type": "websocket.send", "text": text})
            await self._send({"type": "websocket.close", "code": error.close_code})

    async def refuse_plain(self, error: HTTPException) -> None:
        """Starlette's own 404 and 405."""
        status = HTTPStatus(error.status_code)
        code = status.name.lower()
        path = self._scope["path"]
        content = body(code, f"{status.phrase}: {path}", error.status_code)
        answer = JSONResponse(content, error.status_code, error.headers)
        if self._scope["type"] == "http":
            await answer(self._scope, self._receive, self._send)
        else:
            await self._deny(answer, 1008)

    async def _deny(self, answer: Response, close_code: int) -> None:
        """Refuse the handshake with a whole HTTP answer where the server can."""
        if "websocket.http.response" in self._scope.get("extensions", {}):
            await answer(self._scope, self._receive, self._send)
        else:
            await self._send({"type": "websocket.close", "code": close_code})
