"""Any server that speaks OpenAI's `/v1/audio/speech`: OpenAI itself, a peer, another Parley."""

import logging
from collections.abc import AsyncGenerator

from services.tts.engines.base import EngineInfo, SpeechChunk, SpeechRequest, Voice
from services.tts.engines.spread import Pacing
from services.tts.engines.upstream import SpeechServer, UpstreamOptions
from shared.audio.pcm import Encoding, PcmDecoder
from shared.engine import Kind
from shared.errors import EngineUnavailable, NotFound, ParleyError, UpstreamRefused

log = logging.getLogger(__name__)

_MAX_CHARS = 1000
_SLOWEST, _FASTEST = 0.25, 4.0


class OpenAiSpeechEngine:
    """A remote engine; its audio is 24 kHz s16le, streamed."""

    def __init__(self, server: SpeechServer, options: UpstreamOptions) -> None:
        self._server = server
        self._options = options

    @property
    def info(self) -> EngineInfo:
        """What it is."""
        return EngineInfo(
            name="openai",
            model=self._options.model,
            kind=Kind.REMOTE,
            capacity=self._options.capacity,
            languages=(),
            voices=tuple(Voice(name, name, ()) for name in self._options.voices),
            default_voice=self._options.voices[0],
            capabilities=frozenset({"speed", "instructions"}),
            native_speeds=(_SLOWEST, _FASTEST),
            max_chars=_MAX_CHARS,
            reason=self._options.reason,
        )

    async def start(self) -> None:
        """Ask whether our key is good; a server that is away may come back later.

        Raises:
            EngineUnavailable: it refuses us.
        """
        try:
            await self._server.get("models")
        except UpstreamRefused as error:
            if "answered 404" not in error.message:  # not every server lists its models
                raise EngineUnavailable(error.message) from error
        except ParleyError as error:
            log.warning("speech server is away", extra={"why": error.message})

    async def speak(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        """Speak; chunks are what the network brings."""
        if request.voice_id not in self._options.voices:
            raise NotFound(f"no voice {request.voice_id!r}", param="voice")
        decoder, pacing = PcmDecoder(Encoding.S16LE), Pacing(request.text, request.speed)
        async with self._server.stream("audio/speech", self._body(request)) as answer:
            async for data in answer.aiter_bytes():
                samples = decoder.feed(data)
                if len(samples):
                    yield SpeechChunk(samples, pacing.heard(len(samples)))
        yield SpeechChunk(decoder.feed(b""), pacing.rest())

    def _body(self, request: SpeechRequest) -> dict[str, object]:
        body: dict[str, object] = {
            "model": self._options.model,
            "voice": request.voice_id,
            "input": request.text,
            "response_format": "pcm",
            "speed": request.speed,
        }
        if request.instructions:
            body["instructions"] = request.instructions
        return body

    async def forget(self, voice_id: str) -> None:
        """It has no voices of ours."""

    async def aclose(self) -> None:
        """Close the connections."""
        await self._server.aclose()
