"""Speech over HTTP: bytes of a file, or server-sent events, as the engine makes it.

The status line waits for the first sound, so that whatever fails before it is told as an HTTP
error; what fails later cuts the body off, or is an `error` event.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.tts.pipeline.assembly import Piece
from services.tts.pipeline.reply import Reply
from services.tts.routes.speaking import Speaking
from shared.audio.encode import Encoder, Format, encoder
from shared.errors import ParleyError
from shared.web.faults import Disconnected, body

_TOKENS_PER_SECOND = 25


class SpeechResponse(Response):
    """One request's audio.

    Args:
        wanted: what the audio is encoded as.
        sse: events instead of a plain body.
    """

    def __init__(self, reply: Reply, speaking: Speaking, *, wanted: Format, sse: bool) -> None:
        super().__init__(media_type="text/event-stream" if sse else wanted.media_type)
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-store"
        self._reply = reply
        self._speaking = speaking
        self._encoder: Encoder = encoder(wanted, reply.utterance.options.sample_rate)
        self._sse = sse
        self._seconds = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak until the end, or until the client has gone."""
        del scope
        speaking = asyncio.create_task(self._speak(send))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({speaking, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (speaking, leaving):
                task.cancel()
            await asyncio.gather(speaking, leaving, return_exceptions=True)
        self._count(speaking)
        if speaking.cancelled():
            raise Disconnected
        speaking.result()

    def _count(self, speaking: "asyncio.Task[None]") -> None:
        metrics = self._speaking.metrics
        metrics.audio_seconds.inc(self._seconds)
        metrics.text_characters.inc(self._reply.utterance.received)
        if speaking.cancelled():
            end = "cancelled"
        else:
            error = speaking.exception()
            end = (
                error.code if isinstance(error, ParleyError) else "failed" if error else "complete"
            )
        metrics.speech.labels(end).inc()

    async def _speak(self, send: Send) -> None:
        with self._speaking.in_use.held(self._reply):
            async with self._reply, aclosing(self._reply.pieces()) as pieces:
                await self._answer(pieces, send)

    async def _answer(self, pieces: AsyncIterator[Piece], send: Send) -> None:
        first = await anext(pieces, None)
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if first is not None:
            self._first()
            await self._send(first, send)
        try:
            await self._rest(pieces, send)
        except ParleyError as error:
            if not self._sse:
                raise
            await _event(
                send, {"type": "error", **body(error.code, error.message, error.http_status)}
            )
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _rest(self, pieces: AsyncIterator[Piece], send: Send) -> None:
        async for piece in pieces:
            await self._send(piece, send)
        await self._put(self._encoder.finish(), send)
        if self._sse:
            await _event(send, {"type": "speech.audio.done", "usage": self._usage()})

    async def _send(self, piece: Piece, send: Send) -> None:
        self._seconds += piece.seconds
        await self._put(self._encoder.feed(piece.samples), send)
        await self._reply.sent(piece)

    async def _put(self, data: bytes, send: Send) -> None:
        if not data:
            return
        if self._sse:
            await _event(
                send, {"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()}
            )
        else:
            await send({"type": "http.response.body", "body": data, "more_body": True})

    def _first(self) -> None:
        began = self._reply.speaker.began_at
        if began is not None:
            self._speaking.metrics.first_chunk.observe(self._speaking.clock.now() - began)

    def _usage(self) -> dict[str, int]:
        """Counted as OpenAI does: tokens of about four characters in, 40 ms of sound out."""
        text = -(-self._reply.utterance.received // 4)
        audio = round(self._seconds * _TOKENS_PER_SECOND)
        return {"input_tokens": text, "output_tokens": audio, "total_tokens": text + audio}


async def _event(send: Send, event: dict[str, object]) -> None:
    data = f"data: {json.dumps(event)}\n\n".encode()
    await send({"type": "http.response.body", "body": data, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
