"""``WS /v1/realtime``: OpenAI's Realtime protocol for ``session.type: "transcription"``."""

import asyncio
import base64
import binascii
import json
import logging
import secrets
from collections import deque
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from services.asr.engines.base import SAMPLE_RATE
from services.asr.pipeline.hearing import Hearing
from services.asr.pipeline.intake import Intake
from services.asr.pipeline.realtime import Event, RealtimeSession, Translator
from shared.errors import Draining, InvalidRequest, NothingToCommit, ParleyError
from shared.logs import correlated
from shared.protocol.asr import Flush, Reset
from shared.protocol.base import Message
from shared.protocol.realtime import (
    TRANSCRIPTION_CLIENT,
    AudioAppend,
    AudioClear,
    AudioCommit,
    SessionUpdate,
    TranscriptionClientEvent,
)
from shared.web.auth import subprotocol
from shared.web.faults import Disconnected
from shared.web.first import first_of
from shared.web.line import Line
from shared.web.liveness import Liveness, Watch
from shared.web.places import Places

log = logging.getLogger(__name__)

SLICE = 64 * 1024
"""Bytes of an event's audio that are decoded at once."""
SHORTEST_COMMIT_S = 0.1
"""Less audio than this is no turn; OpenAI's own limit."""
_SERVERS = 500
"""From this status on it is not the client's fault."""
_MOST_NAMED = 20
"""Ignored fields in one record."""
_EVENTS = frozenset(
    {
        "session.update",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "input_audio_buffer.clear",
    }
)


class Realtime:
    """Serves transcription sessions; one call a connection."""

    def __init__(self, hearing: Hearing, places: Places, liveness: Liveness) -> None:
        self._hearing = hearing
        self._places = places
        self._liveness = liveness

    async def serve(self, websocket: WebSocket) -> None:
        """Listen to one client until it leaves or the service stops.

        Raises:
            NotFound: the address or the client secret names an unknown model; the handshake
                is refused.
        """
        session = self._begun(
            websocket.query_params.get("model"), websocket.state.caller.session or {}
        )
        await websocket.accept(subprotocol(websocket.scope["subprotocols"]))
        with correlated(session_id=session.id):
            watch = Watch(self._hearing.clock, self._liveness)
            connection = _Connection(websocket, self._hearing, session, watch)
            try:
                await connection.run(self._places.draining)
            except ParleyError as error:
                await connection.end(error)

    def described(self, wanted: Mapping[str, Any] | None) -> Event:
        """The session that a client secret made for ``wanted`` will open.

        Raises:
            InvalidRequest: a bad value, or another type of session.
            NotFound: it names an unknown model.
        """
        return self._begun(None, wanted or {}).described()

    def _begun(self, model: str | None, wanted: Mapping[str, Any]) -> RealtimeSession:
        info, known = self._hearing.engine.info, self._hearing.catalogue
        known.substitution(model, info)
        session_id = f"sess_{secrets.token_hex(12)}"
        session = RealtimeSession.begin(session_id, model or info.model).changed(wanted)
        known.substitution(session.model, info)
        return session


class _Connection:
    """One client's events in, ours out."""

    def __init__(
        self, websocket: WebSocket, hearing: Hearing, session: RealtimeSession, watch: Watch
    ) -> None:
        self._websocket = websocket
        self._watch = watch
        self._hearing = hearing
        self._session = session
        self._translator = Translator()
        self._translator.manual = session.manual
        self._listener = hearing.listener(session.id)
        self._intake = Intake()
        self._listener.tell(hearing.granted(self._intake.configure(session.config())))
        self._uncommitted_s = 0.0
        self._commits: deque[str | None] = deque()
        """Ids of the commits that the listener has not come to yet."""
        self._sending = asyncio.Lock()
        self._noted: set[str] = set()
        """Fields that were told to be ignored."""

    async def run(self, draining: asyncio.Event) -> None:
        """Until the first of reading, listening and leaving ends."""
        self._note_ignored()
        await self._send({"type": "session.created", "session": self._session.described()})
        await first_of(
            self._read(),
            self._listener.run(self._tell, self._committed),
            self._leave(draining),
            self._stay_alive(),
        )

    async def end(self, error: ParleyError) -> None:
        """Tell why it cannot go on, as this protocol does, and close."""
        await self._fail(error, None)
        await self._websocket.close(error.close_code)

    async def _stay_alive(self) -> None:
        """Let go who does not even answer pings; the protocol has none, the line beneath has."""
        line = Line.of(self._websocket)
        if line is None:
            await asyncio.Event().wait()
            return
        line.on_heard = self._watch.heard
        await self._watch.run(line.ping)

    async def _read(self) -> None:
        while True:
            text = await self._receive()
            try:
                event = _parsed(text)
                await self._take(event)
            except ParleyError as error:
                await self._fail(error, _event_id(text))

    async def _take(self, event: TranscriptionClientEvent) -> None:
        match event:
            case AudioAppend():
                await self._hear(_audio(event.audio))
            case AudioCommit():
                self._commit(event.event_id)
            case AudioClear():
                self._uncommitted_s = 0.0
                self._listener.tell(Reset())
                await self._send({"type": "input_audio_buffer.cleared"})
            case SessionUpdate():
                await self._update(event)

    async def _hear(self, data: bytes) -> None:
        """Take audio of any length in slices, so that neither memory nor others suffer."""
        for at in range(0, len(data), SLICE):
            samples = self._intake.feed(data[at : at + SLICE])
            self._uncommitted_s += len(samples) / SAMPLE_RATE
            self._listener.hear(samples)
            while self._listener.crowded:
                await self._listener.worked()
                self._watch.heard()  # it was us who did not listen

    def _commit(self, event_id: str | None) -> None:
        if self._uncommitted_s < SHORTEST_COMMIT_S:
            raise NothingToCommit(
                f"the buffer holds {self._uncommitted_s * 1000:.0f} ms of audio; "
                f"at least {SHORTEST_COMMIT_S * 1000:.0f} ms are needed to commit"
            )
        self._uncommitted_s = 0.0
        self._commits.append(event_id)
        self._listener.tell(Flush())

    async def _committed(self, found: bool) -> None:
        event_id = self._commits.popleft()
        if not found:
            error = NothingToCommit("the buffer holds no speech that was not committed before")
            await self._fail(error, event_id)

    async def _update(self, event: SessionUpdate) -> None:
        session = self._session.changed(event.session)
        self._hearing.catalogue.substitution(session.model, self._hearing.engine.info)
        self._listener.tell(self._hearing.granted(self._intake.configure(session.config())))
        self._session = session
        self._note_ignored()
        self._translator.manual = session.manual
        await self._send({"type": "session.updated", "session": self._session.described()})

    def _note_ignored(self) -> None:
        """Log, once by name, what the client wishes for and will not get."""
        if fresh := sorted(self._session.ignored - self._noted):
            log.info(
                "ignored fields", extra={"fields": [name[:64] for name in fresh[:_MOST_NAMED]]}
            )
            self._noted |= set(fresh)

    async def _leave(self, draining: asyncio.Event) -> None:
        await draining.wait()
        while not self._listener.idle:
            await self._listener.worked()
        raise Draining("the service is stopping; connect again", retry_after_s=5)

    async def _tell(self, message: Message) -> None:
        for event in self._translator.told(message):
            await self._send(event)

    async def _fail(self, error: ParleyError, event_id: str | None) -> None:
        self._hearing.metrics.errors.labels(error.code).inc()
        kind = "invalid_request_error" if error.http_status < _SERVERS else "server_error"
        body = {"type": kind, "code": error.code, "message": error.message, "param": error.param}
        await self._send({"type": "error", "error": {**body, "event_id": event_id}})

    async def _receive(self) -> str:
        frame = await self._websocket.receive()
        if frame["type"] == "websocket.disconnect":
            raise Disconnected(frame.get("code"))
        return str(frame.get("text") or "")

    async def _send(self, event: Event) -> None:
        text = json.dumps({"event_id": f"event_{secrets.token_hex(10)}", **event})
        async with self._sending:
            try:
                await self._websocket.send({"type": "websocket.send", "text": text})
            except (WebSocketDisconnect, RuntimeError) as error:
                raise Disconnected from error


def _parsed(text: str) -> TranscriptionClientEvent:
    """Raises: InvalidRequest naming the unknown type or the bad field."""
    try:
        return TRANSCRIPTION_CLIENT.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    if not first["loc"] and not first["type"].startswith("union_tag"):
        raise InvalidRequest("an event is a JSON object in a text frame")
    if first["type"].startswith("union_tag"):
        known = ", ".join(sorted(_EVENTS))
        raise InvalidRequest(f"unknown event type; a transcription session takes {known}")
    name = ".".join(str(part) for part in first["loc"][1:])
    raise InvalidRequest(f"`{name}`: {first['msg']}", param=name)


def _event_id(text: str) -> str | None:
    """The failed event's own id, for the error to name."""
    try:
        event: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = event.get("event_id") if isinstance(event, dict) else None
    return found if isinstance(found, str) else None


def _audio(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("`audio` is not base64", param="audio") from None
