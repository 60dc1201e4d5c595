"""``POST /v1/realtime/client_secrets``: a short-lived token, so that no page holds a key."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from shared.errors import Forbidden, InvalidRequest, UnsupportedOption
from shared.web.body import limited_body, parse
from shared.web.keyring import Keyring
from shared.web.openapi import Operation

_MOST_BODY_BYTES = 64 * 1024
_MOST_SESSION_BYTES = 4096
"""It travels in the token, and that in a header."""

Session = Mapping[str, Any]
Describe = Callable[[Session | None], Session | None]
"""The whole session that the wished fields make; raises where it cannot be."""


class ExpiresAfter(BaseModel):
    """How long the token opens connections; those that are open stay."""

    model_config = ConfigDict(frozen=True)

    anchor: Literal["created_at"] = "created_at"
    seconds: int = Field(default=600, ge=10, le=7200)


class SecretBody(BaseModel):
    """OpenAI's request; every field has a default."""

    model_config = ConfigDict(frozen=True, extra="allow")

    expires_after: ExpiresAfter = ExpiresAfter()
    session: dict[str, Any] | None = None
    """What the session opened with the token is to be."""


OPERATION = Operation(
    "POST",
    "/v1/realtime/client_secrets",
    "A token that stands for the key for some minutes, for a page or an app",
    body={"application/json": SecretBody},
    errors=(400, 401, 403, 429),
)


def _without_sessions(wanted: Session | None) -> None:
    if wanted is not None:
        raise UnsupportedOption("this service has no Realtime sessions", param="session")


class ClientSecrets:
    """The endpoint.

    Args:
        describe: what a session of this service will be; those without Realtime have none.
    """

    def __init__(self, keyring: Keyring, describe: Describe = _without_sessions) -> None:
        self._keyring = keyring
        self._describe = describe

    def routes(self) -> list[BaseRoute]:
        """For the service's router."""
        return [Route("/v1/realtime/client_secrets", self.create, methods=["POST"])]

    async def create(self, request: Request) -> Response:
        """Make a token for the caller.

        Raises:
            Forbidden: the caller is a token itself, which would then never expire.
        """
        if request.state.caller.by_token:
            raise Forbidden("a token makes no tokens: use an API key")
        wanted = parse(SecretBody, await limited_body(request, _MOST_BODY_BYTES) or b"{}")
        if len(json.dumps(wanted.session).encode()) > _MOST_SESSION_BYTES:
            raise InvalidRequest(
                f"`session` may have at most {_MOST_SESSION_BYTES} bytes", param="session"
            )
        session = self._describe(wanted.session)
        value, expires_at = self._keyring.mint(
            request.state.owner, wanted.expires_after.seconds, wanted.session
        )
        head = {"value": value, "expires_at": expires_at}
        headers = {"Cache-Control": "no-store"}
        return JSONResponse({**head, "session": session}, headers=headers)
