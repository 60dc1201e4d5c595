"""The socket under a TTS client: who gets which frame, and what is said again after a loss."""

import asyncio
import logging

from shared.clients import faults
from shared.clients.connection import Connection, Endpoint, keep_trying
from shared.clients.speech import Outgoing, SpeechRequest
from shared.clock import Clock
from shared.errors import ParleyError, UpstreamFailed
from shared.protocol import tts
from shared.protocol.base import ErrorMessage, WarningMessage
from shared.resilience import backoff

log = logging.getLogger(__name__)

Question = tts.ListVoices | tts.RegisterVoice | tts.DeleteVoice
Answer = tts.Voices | tts.VoiceRegistered | tts.VoiceDeleted


class _Asked:
    """A question about voices, until it is answered."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.sent = False
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()


class SpeechLine:
    """Sends what requests and questions say, hands out what comes, mends the line."""

    def __init__(self, endpoint: Endpoint, patience_s: float, clock: Clock) -> None:
        self._endpoint = endpoint
        self._patience_s = patience_s
        self._clock = clock
        self.ready: tts.Ready | None = None
        self._connection: Connection[tts.TtsServerMessage] | None = None
        self._requests: dict[str, SpeechRequest] = {}
        self._asking = asyncio.Lock()
        self._asked: _Asked | None = None
        self._announced: tts.AudioChunk | None = None
        self._wanted = asyncio.Event()
        self._pumping = False

    async def open(self, patience_s: float) -> None:
        """Connect, or raise what keeps us from it."""
        self._connection = await keep_trying(self._dial, patience_s=patience_s, clock=self._clock)

    async def close(self) -> None:
        """Leave; whoever still waits for audio or an answer is told."""
        self._fail_all(UpstreamFailed("the client was closed"))
        await self._hang_up()

    async def add(self, request: SpeechRequest) -> None:
        """Say a request's messages, now and as they come."""
        self._requests[request.request_id] = request
        await self.pump()

    async def ask(self, question: Question) -> Answer:
        """One question at a time; its answer.

        Raises:
            ParleyError: the service refused, or stays away.
        """
        async with self._asking:
            self._asked = _Asked(question)
            try:
                await self.pump()
                return await self._asked.answer
            finally:
                self._asked = None

    async def run(self) -> None:
        """Hand out what comes, for as long as the client is used."""
        try:
            while True:
                lost = await self._receive()
                await self._lose()
                log.info("line to the TTS service lost", extra={"code": lost.code})
                await self.pump()
                await self._mend()
        finally:
            await self.close()

    async def pump(self) -> None:
        """Send what the present line has not had; one caller at a time does it for all."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while (frame := self._next()) is not None:
                await self._say(frame)
        finally:
            self._pumping = False

    def _next(self) -> Outgoing | Question | None:
        if self._connection is None:
            if self._requests or self._asked:
                self._wanted.set()
            return None
        if self._asked and not self._asked.sent:
            self._asked.sent = True
            return self._asked.question
        return next((frame for each in self._requests.values() if (frame := each.take())), None)

    async def _say(self, frame: Outgoing | Question) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            await connection.send(frame)
        except ParleyError:
            # The reader learns of it too; it mends the line, and everything is said again.
            log.debug("a message met a lost line")

    async def _dial(self) -> Connection[tts.TtsServerMessage]:
        connection = await Connection.open(self._endpoint, "/ws", tts.TTS_SERVER)
        self.ready = await connection.greeted(tts.Ready)
        return connection

    async def _receive(self) -> ParleyError:
        """Until the line is lost; why it was."""
        if self._connection is None:
            return UpstreamFailed("the connection was cut")
        try:
            async for message in self._connection:
                await self._route(message)
        except ParleyError as error:
            return error
        return UpstreamFailed("the service closed the connection")

    async def _route(self, message: tts.TtsServerMessage | bytes) -> None:
        match message:
            case tts.AudioChunk():
                self._announced = message
            case bytes():
                await self._deliver(message)
            case tts.SynthesisComplete():
                self._finish(message.request_id, message)
            case tts.Cancelled():
                self._finish(message.request_id, None)
            case tts.Voices() | tts.VoiceRegistered() | tts.VoiceDeleted():
                if self._asked and not self._asked.answer.done():
                    self._asked.answer.set_result(message)
            case WarningMessage():
                request = self._requests.get(message.request_id or "")
                if request is not None:
                    request.warnings.append(message)
            case ErrorMessage():
                self._told(message)
            case _:
                pass

    async def _deliver(self, audio: bytes) -> None:
        announced, self._announced = self._announced, None
        request = self._requests.get(announced.request_id or "") if announced else None
        if announced and request:
            await request.deliver(announced, audio)

    def _finish(
        self, request_id: str | None, end: tts.SynthesisComplete | ParleyError | None
    ) -> None:
        request = self._requests.pop(request_id or "", None)
        if request is not None:
            request.finish(end)

    def _told(self, message: ErrorMessage) -> None:
        error = faults.of_message(message)
        if message.request_id is not None:
            self._finish(message.request_id, error)
        elif self._asked and not self._asked.answer.done():
            self._asked.answer.set_exception(error)
        else:
            for name in [name for name, each in self._requests.items() if not each.begun]:
                self._finish(name, error)

    async def _lose(self) -> None:
        await self._hang_up()
        self._announced = None
        if self._asked:
            self._asked.sent = False
        for name, request in list(self._requests.items()):
            request.rewind()
            request.lose()
            if request.over:
                del self._requests[name]

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _mend(self) -> None:
        """Get another line once somebody wants it.

        Who has waited for the whole patience is told. From then on the service is tried for
        on and on, and whoever asks is told after the next try: a conversation is not silent
        for the whole patience at every turn.
        """
        pauses, away = backoff(), False
        while self._connection is None:
            if not away:
                await self._wanted.wait()
            try:
                await self.open(0.0 if away else self._patience_s)
            except ParleyError as error:
                self._wanted.clear()
                self._fail_all(error)
                away = error.retryable
                if away:
                    await asyncio.sleep(max(next(pauses), error.retry_after_s or 0.0))
        self._wanted.clear()
        await self.pump()

    def _fail_all(self, error: ParleyError) -> None:
        for name in list(self._requests):
            self._finish(name, error)
        if self._asked and not self._asked.answer.done():
            self._asked.answer.set_exception(error)
