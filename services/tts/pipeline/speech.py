"""Clauses through the engine: the one path that every route speaks by."""

from contextlib import aclosing

from services.tts.engines.base import Engine, EngineInfo, SpeechRequest
from services.tts.pipeline.assembly import Assembler, Piece
from services.tts.pipeline.playout import Playout
from services.tts.pipeline.utterance import Spoken, Utterance
from shared.clock import Clock
from shared.errors import InvalidRequest


class Speaker:
    """Speaks one request.

    Args:
        owner: the connection, for fairness between connections.
        queue_timeout_s: how long a clause may wait for the engine.
    """

    def __init__(
        self, engine: Engine, utterance: Utterance, *, owner: str, queue_timeout_s: float,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._utterance = utterance
        self._owner = owner
        self._queue_timeout_s = queue_timeout_s
        self._clock = clock
        options = utterance.options
        chunk_size = options.chunk_size if options.streaming else None
        self._speed = native_speed(engine.info, options.speed)
        stretch = options.speed / self._speed
        self._assembler = Assembler(options.sample_rate, chunk_size, stretch)
        self.warnings: list[tuple[str, str]] = []
        """Code and message of what the engine could not do as asked."""
        self.began_at: float | None = None
        """When there first was something to speak."""

    async def speak(self, clause: Spoken, playout: Playout) -> None:
        """Speak one clause into the playout."""
        if self.began_at is None:
            self.began_at = self._clock.now()
        self._assembler.begin(clause)
        request = self._request(clause, playout)
        async with aclosing(self._engine.speak(request)) as chunks:
            async for chunk in chunks:
                self.warnings.extend(chunk.warnings)
                await _put(playout, self._assembler.feed(chunk))
        await _put(playout, self._assembler.end_clause())

    async def finish(self, playout: Playout) -> None:
        """The request's text is spoken.

        Raises:
            InvalidRequest: it was given whole, and nothing in it can be spoken.
        """
        if not self._assembler.seconds and not self._utterance.incremental:
            raise InvalidRequest(
                "there is nothing to speak in the text", param=self._utterance.param
            )
        await _put(playout, self._assembler.finish(self._utterance.received))

    def _request(self, clause: Spoken, playout: Playout) -> SpeechRequest:
        options = self._utterance.options
        return SpeechRequest(
            text=clause.text.text,
            voice_id=options.voice.voice_id,
            language=options.language,
            speed=self._speed,
            emotion=options.emotion,
            chunk_size=options.chunk_size,
            whole=not options.streaming,
            instructions=options.instructions,
            reference=options.voice.reference,
            owner=self._owner,
            first=not playout.begun,
            ahead=playout.ahead,
            deadline=self._clock.now() + self._queue_timeout_s,
        )


def native_speed(info: EngineInfo, speed: float) -> float:
    """The part of `speed` that the engine itself can do; the rest is time stretch."""
    if "speed" not in info.capabilities:
        return 1.0
    slowest, fastest = info.native_speeds
    return min(max(speed, slowest), fastest)


async def _put(playout: Playout, pieces: list[Piece]) -> None:
    for piece in pieces:
        await playout.put(piece)
