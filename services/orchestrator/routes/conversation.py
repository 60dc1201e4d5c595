"""``WS /ws/v2/{session_id}``: the native conversation."""

from dataclasses import dataclass

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from services.orchestrator.metrics import OrchestratorMetrics
from services.orchestrator.routes.attachments import Attachments
from services.orchestrator.sessions.base import Session, SessionStore
from services.orchestrator.transports.hold import Hold
from services.orchestrator.transports.outbox import Outbox
from services.orchestrator.transports.websocket import Attachment, Begin
from shared.clock import Clock
from shared.logs import correlated
from shared.protocol.conversation import CONVERSATION_CLIENT, Resume
from shared.web.auth import subprotocol
from shared.web.liveness import Liveness
from shared.web.places import Places
from shared.web.sockets import Socket

_RESUME = "resume."


@dataclass(frozen=True, slots=True)
class ConversationRoute:
    """Accepts sockets for sessions that exist."""

    store: SessionStore
    attachments: Attachments
    places: Places
    begin: Begin
    clock: Clock
    metrics: OrchestratorMetrics
    liveness: Liveness
    ttl_s: float

    def routes(self) -> list[BaseRoute]:
        """For the service's router."""
        return [WebSocketRoute("/ws/v2/{session_id}", self.converse)]

    async def converse(self, websocket: WebSocket) -> None:
        """Attach the socket to its session until either ends."""
        session_id = websocket.path_params["session_id"]
        owner = websocket.state.owner
        await self.store.get(session_id, owner)
        with correlated(session_id=session_id):
            async with self.attachments.attach(session_id) as hold:
                await websocket.accept(subprotocol(websocket.scope["subprotocols"]))
                session = (await self.store.get(session_id, owner)).extended(self.ttl_s)
                await self.store.save(session)
                await self._attachment(websocket, session, hold).run()

    def _attachment(self, websocket: WebSocket, session: Session, hold: Hold) -> Attachment:
        socket = Socket(
            websocket,
            CONVERSATION_CLIENT,
            clock=self.clock,
            metrics=self.metrics,
            liveness=self.liveness,
        )
        return Attachment(
            socket,
            Outbox(session, self.store),
            self.store,
            self.begin,
            self.places,
            hold,
            resumes=_resume(websocket),
        )


def _resume(websocket: WebSocket) -> Resume | None:
    """The sub-protocol ``resume.TOKEN`` or ``resume.TOKEN.LAST_SEQ``, for browsers."""
    for name in websocket.scope.get("subprotocols", ()):
        if name.startswith(_RESUME):
            token, _, last_seq = name.removeprefix(_RESUME).partition(".")
            return Resume(token=token, last_seq=int(last_seq) if last_seq.isdecimal() else 0)
    return None
