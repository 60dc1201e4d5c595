"""`WS /ws`: the native protocol. One `Connection` per socket, one task per open request."""

import asyncio
import logging
import secrets

from starlette.websockets import WebSocket

from services.tts.pipeline.playout import Allowance
from services.tts.pipeline.reply import Reply
from services.tts.pipeline.session import Limits, Session
from services.tts.routes.sending import Sending
from services.tts.routes.speaking import Speaking
from services.tts.routes.voices import from_message, listed
from shared.errors import Draining, EngineFailed, InvalidRequest, ParleyError
from shared.logs import correlated
from shared.protocol import tts as wire
from shared.protocol.base import Limits as WireLimits
from shared.web.auth import subprotocol
from shared.web.faults import Disconnected
from shared.web.liveness import Liveness
from shared.web.sockets import MAX_MESSAGE_BYTES, Socket

log = logging.getLogger(__name__)


class StreamRoute:
    """The endpoint."""

    def __init__(self, speaking: Speaking) -> None:
        self._speaking = speaking

    async def connect(self, websocket: WebSocket) -> None:
        """Serve one connection until it closes."""
        await websocket.accept(subprotocol(websocket.scope["subprotocols"]))
        settings = self._speaking.settings
        socket = Socket(
            websocket,
            wire.TTS_CLIENT,
            clock=self._speaking.clock,
            metrics=self._speaking.metrics,
            liveness=Liveness(settings.ping_interval_s, settings.peer_timeout_s),
        )
        connection = Connection(socket, self._speaking, owner=websocket.state.owner)
        with correlated(session_id=connection.session_id):
            await socket.run(connection.serve())


class Connection:
    """One client."""

    def __init__(
        self, socket: Socket[wire.TtsClientMessage], speaking: Speaking, *, owner: str
    ) -> None:
        self.session_id = secrets.token_hex(8)
        self._socket = socket
        self._speaking = speaking
        self._owner = owner
        settings = speaking.settings
        limits = Limits(settings.max_text_chars, settings.max_open_requests)
        self._session = Session(speaking.engine.info, limits)
        self._allowance = Allowance(settings.unsent_s)
        self._replies: dict[str, Reply] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    async def serve(self) -> None:
        """Answer messages until the client leaves or the service drains."""
        await self._socket.send(self._ready())
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._drain())
                while True:
                    await self._handle(await self._socket.receive(), tasks)
        except* Disconnected:
            log.info("client left", extra={"open_requests": len(self._replies)})

    async def _drain(self) -> None:
        """Close once the service is stopping and all open requests are spoken."""
        await self._speaking.places.draining.wait()
        await self._idle.wait()
        await self._socket.close(Draining.close_code)
        raise Disconnected(Draining.close_code)

    async def _handle(
        self, message: wire.TtsClientMessage | bytes, tasks: asyncio.TaskGroup
    ) -> None:
        try:
            await self._obey(message, tasks)
        except ParleyError as error:
            await self._socket.fail(error, getattr(message, "request_id", None))

    async def _obey(self, message: wire.TtsClientMessage | bytes, tasks: asyncio.TaskGroup) -> None:
        match message:
            case wire.Synthesize():
                await self._synthesize(message, tasks)
            case wire.Text() | wire.Flush() | wire.End():
                utterance = self._session.update(message)
                self._replies[utterance.request_id].more()
            case wire.Cancel():
                await self._replies[self._session.cancel(message).request_id].cancel()
            case wire.RegisterVoice():
                await self._register(message)
            case wire.DeleteVoice():
                await self._speaking.voices.delete(message.voice_id, self._owner)
                await self._socket.send(wire.VoiceDeleted(voice_id=message.voice_id))
            case wire.ListVoices():
                await self._socket.send(listed(self._speaking, self._owner))
            case bytes():
                raise InvalidRequest("this socket takes JSON text frames, not binary ones")

    async def _register(self, message: wire.RegisterVoice) -> None:
        record = await self._speaking.register(from_message(message), self._owner)
        await self._socket.send(
            wire.VoiceRegistered(voice_id=record.voice_id, duration_s=record.duration_s)
        )

    async def _synthesize(self, message: wire.Synthesize, tasks: asyncio.TaskGroup) -> None:
        if self._speaking.places.draining.is_set():
            raise Draining("the service is stopping", retry_after_s=5.0)
        voice = await self._speaking.voice(message.voice_id, self._owner)
        request_id = self._session.name(message)
        utterance = self._session.open(request_id, message, voice)
        for line in self._session.unsupported(message, voice):
            await self._socket.warn("unsupported_option", line, request_id)
        reply = self._speaking.reply(
            utterance, connection=self.session_id, allowance=self._allowance
        )
        self._replies[request_id] = reply
        self._idle.clear()
        tasks.create_task(self._answer(reply))

    async def _answer(self, reply: Reply) -> None:
        request_id = reply.utterance.request_id
        try:
            with correlated(request_id=request_id):
                await self._speak(reply)
        except ParleyError as error:
            self._speaking.metrics.speech.labels(error.code).inc()
            await self._socket.fail(error, request_id)
        except Disconnected:
            raise
        except Exception:  # the boundary of one request: the others on this socket go on
            log.exception("request failed")
            self._speaking.metrics.speech.labels(EngineFailed.code).inc()
            await self._socket.fail(EngineFailed("the request failed"), request_id)
        finally:
            self._over(reply)

    def _over(self, reply: Reply) -> None:
        self._session.over(reply.utterance)
        if self._replies.get(reply.utterance.request_id) is reply:
            del self._replies[reply.utterance.request_id]
        if not self._replies:
            self._idle.set()

    async def _speak(self, reply: Reply) -> None:
        sending = Sending(self._socket, self._speaking, reply)
        with self._speaking.in_use.held(reply):
            async with reply:
                async for piece in reply.pieces():
                    await sending.send(piece)
        # The id is free before the client hears that the request is over.
        self._over(reply)
        await sending.end()

    def _ready(self) -> wire.Ready:
        info = self._speaking.engine.info
        voices = [voice.voice_id for voice in info.voices]
        voices += [record.voice_id for record in self._speaking.voices.listed(self._owner)]
        return wire.Ready(
            session_id=self.session_id,
            engine=info.name,
            model=info.model,
            sample_rate=24_000,
            voices=tuple(voices),
            limits=WireLimits(
                max_connections=self._speaking.places.capacity,
                max_message_bytes=MAX_MESSAGE_BYTES,
                max_text_chars=self._speaking.settings.max_text_chars,
            ),
            capabilities=tuple(sorted(info.capabilities)),
            reason=info.reason or None,
        )
