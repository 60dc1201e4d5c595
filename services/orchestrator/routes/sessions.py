"""``/v2/sessions``: making sessions, looking them up, erasing them."""

import json

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from services.orchestrator.pipeline.cache import AnswerCache
from services.orchestrator.routes.attachments import Attachments
from services.orchestrator.sessions.base import Session, SessionStore
from services.orchestrator.tools.client import distinct
from services.orchestrator.tools.registry import Registry
from shared.errors import Draining, InvalidRequest, NotFound
from shared.protocol.conversation import CreateSession, SessionCreated
from shared.web.openapi import Operation
from shared.web.places import Places

_LONGEST_BODY = 256 * 1024

OPERATIONS = (
    Operation(
        "POST",
        "/v2/sessions",
        "Make a session",
        body={"application/json": CreateSession},
        answers={"application/json": SessionCreated},
        status=201,
        errors=(400, 401, 503),
    ),
    Operation("GET", "/v2/sessions", "One's own sessions", errors=(401,)),
    Operation("GET", "/v2/sessions/{session_id}", "One session", errors=(401, 404)),
    Operation(
        "DELETE",
        "/v2/sessions/{session_id}",
        "End a session and forget all of it",
        status=204,
        errors=(401, 404),
    ),
    Operation(
        "GET",
        "/v2/sessions/{session_id}/transcript",
        "What both sides said, for a session made with `transcript_log`",
        errors=(401, 404),
    ),
)


class Sessions:
    """The HTTP side of sessions."""

    def __init__(
        self,
        store: SessionStore,
        attachments: Attachments,
        places: Places,
        *,
        ttl_s: float,
        with_llm: bool,
        tools: Registry,
        answers: AnswerCache | None = None,
    ) -> None:
        self._store = store
        self._attachments = attachments
        self._places = places
        self._ttl_s = ttl_s
        self._with_llm = with_llm
        self._tools = tools
        self._answers = answers

    def routes(self) -> list[BaseRoute]:
        """For the service's router."""
        one = "/v2/sessions/{session_id}"
        return [
            Route("/v2/sessions", self.create, methods=["POST"]),
            Route("/v2/sessions", self.index, methods=["GET"]),
            Route(one, self.show, methods=["GET"]),
            Route(one, self.erase, methods=["DELETE"]),
            Route(f"{one}/transcript", self.transcript, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        """Make a session."""
        if self._places.draining.is_set():
            raise Draining("the service is stopping", retry_after_s=5)
        settings = _settings(await request.body())
        if settings.pipeline == "llm" and not self._with_llm:
            raise InvalidRequest(
                "no LLM is configured: set LLM_BASE_URL or ask for `direct`", param="pipeline"
            )
        self._check_tools(settings)
        session = Session.new(request.state.owner, settings, self._ttl_s)
        await self._store.create(session)
        created = SessionCreated(
            session_id=session.session_id,
            resume_token=session.resume_token,
            ws_url=_ws_url(request, session.session_id),
            expires_at=session.expires_at.isoformat(timespec="seconds"),
        )
        return JSONResponse(created.model_dump(), 201)

    def _check_tools(self, settings: CreateSession) -> None:
        chosen = self._tools.select(settings.tools)
        distinct(settings.client_tools, (tool.name for tool in chosen))
        if settings.client_tools and (settings.pipeline == "direct" or not self._with_llm):
            raise InvalidRequest(
                "tools are called by a language model, and this session has none",
                param="client_tools",
            )

    async def index(self, request: Request) -> Response:
        """One's own sessions."""
        sessions = await self._store.of(request.state.owner)
        held = await self._attachments.held([session.session_id for session in sessions])
        return JSONResponse({"sessions": [self._shown(session, held) for session in sessions]})

    async def show(self, request: Request) -> Response:
        """One session."""
        session = await self._store.get(request.path_params["session_id"], request.state.owner)
        held = await self._attachments.held([session.session_id])
        return JSONResponse(self._shown(session, held))

    async def erase(self, request: Request) -> Response:
        """End a session and forget all of it."""
        session_id = request.path_params["session_id"]
        await self._store.delete(session_id, request.state.owner)
        await self._attachments.erased(session_id)
        if self._answers is not None:
            await self._answers.forget(session_id)
        return Response(status_code=204)

    async def transcript(self, request: Request) -> Response:
        """What both sides said, for a session made with ``transcript_log``."""
        session_id = request.path_params["session_id"]
        session = await self._store.get(session_id, request.state.owner)
        if not session.settings.transcript_log:
            raise NotFound("this session keeps no transcript: make it with `transcript_log`")
        lines = await self._store.transcript(session_id)
        return JSONResponse({"session_id": session_id, "lines": [json.loads(x) for x in lines]})

    def _shown(self, session: Session, held: frozenset[str]) -> dict[str, object]:
        return {
            "session_id": session.session_id,
            "connected": session.session_id in held,
            "pipeline": session.settings.pipeline or ("llm" if self._with_llm else "direct"),
            "last_seq": session.seq,
            "messages": len(session.messages),
            "expires_at": session.expires_at.isoformat(timespec="seconds"),
            "metadata": session.settings.metadata,
        }


def _settings(body: bytes) -> CreateSession:
    if len(body) > _LONGEST_BODY:
        raise InvalidRequest(f"the body is longer than {_LONGEST_BODY} bytes")
    try:
        return CreateSession.model_validate_json(body or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"])) or "body"
        raise InvalidRequest(f"`{name}`: {first['msg']}", param=name) from None


def _ws_url(request: Request, session_id: str) -> str:
    scheme = "wss" if request.url.scheme == "https" else "ws"
    return f"{scheme}://{request.url.netloc}/ws/v2/{session_id}"
