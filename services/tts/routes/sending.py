"""The messages of one request on the native socket."""

from services.tts.pipeline.assembly import Piece
from services.tts.pipeline.reply import Reply
from services.tts.routes.speaking import Speaking
from shared.audio.pcm import encode
from shared.protocol import tts as wire
from shared.web.sockets import Socket


class Sending:
    """Announces each chunk, sends it, and says how the request ended."""

    def __init__(
        self, socket: Socket[wire.TtsClientMessage], speaking: Speaking, reply: Reply
    ) -> None:
        self._socket = socket
        self._speaking = speaking
        self._reply = reply
        self._chunks = 0
        self._milliseconds = 0.0
        self._first_chunk_ms: float | None = None
        self._told = 0

    async def send(self, piece: Piece) -> None:
        """One chunk: its announcement and its audio."""
        if self._reply.cancelled:
            return
        await self._warn()
        request_id = self._reply.utterance.request_id
        duration_ms = round(piece.seconds * 1000, 3)
        message = wire.AudioChunk(
            request_id=request_id,
            chunk_id=self._chunks,
            duration_ms=duration_ms,
            text_start=piece.text_start,
            text_end=piece.text_end,
            words=tuple(
                wire.SpokenWord(word=w.word, start=round(w.start, 3), end=round(w.end, 3))
                for w in piece.words
            ),
            estimated=True if any(word.estimated for word in piece.words) else None,
        )
        await self._socket.send(
            message, encode(piece.samples, self._reply.utterance.options.encoding)
        )
        self._sent(piece, duration_ms)
        await self._reply.sent(piece)

    def _sent(self, piece: Piece, duration_ms: float) -> None:
        if self._first_chunk_ms is None and self._reply.speaker.began_at is not None:
            seconds = self._speaking.clock.now() - self._reply.speaker.began_at
            self._first_chunk_ms = round(seconds * 1000, 3)
            self._speaking.metrics.first_chunk.observe(seconds)
        self._chunks += 1
        self._milliseconds += duration_ms
        self._speaking.metrics.audio_seconds.inc(piece.seconds)

    async def end(self) -> None:
        """All was sent, or the client wants no more."""
        request_id = self._reply.utterance.request_id
        self._speaking.metrics.text_characters.inc(self._reply.utterance.received)
        if self._reply.cancelled:
            self._speaking.metrics.speech.labels("cancelled").inc()
            await self._socket.send(wire.Cancelled(request_id=request_id, chunks_sent=self._chunks))
            return
        await self._warn()
        self._speaking.metrics.speech.labels("complete").inc()
        await self._socket.send(
            wire.SynthesisComplete(
                request_id=request_id,
                total_duration_ms=round(self._milliseconds, 3),
                chunks_sent=self._chunks,
                first_chunk_ms=self._first_chunk_ms,
            )
        )

    async def _warn(self) -> None:
        warnings = self._reply.speaker.warnings[self._told :]
        self._told += len(warnings)
        for code, text in dict(warnings).items():
            await self._socket.warn(code, text, self._reply.utterance.request_id)
