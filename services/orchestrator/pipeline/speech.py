"""A voice: the TTS service, one line for all replies of a session."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Self

from services.orchestrator.pipeline.heard import Spoken
from services.orchestrator.pipeline.ports import Piece
from shared.clients.connection import Endpoint
from shared.clients.speech import SpeechRequest
from shared.clients.tts import TtsClient
from shared.protocol import tts

_FORMAT = tts.AudioFormat(encoding="s16le", sample_rate=24_000)
_PATIENCE_S = 5.0
"""How long a reply waits for a service that is away."""


class ServiceSpeech:
    """The synthesiser of one conversation; use as a context manager."""

    def __init__(self, endpoint: Endpoint, *, voice_id: str, language: str | None) -> None:
        self.voice_id = voice_id
        self.language = language
        self._client = TtsClient(endpoint, patience_s=_PATIENCE_S)

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            ParleyError: the service cannot be reached, or has no place.
        """
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *raised: object) -> None:
        """Give the place back."""
        await self._client.__aexit__(*raised)

    @property
    def engine(self) -> str:
        """What speaks."""
        return self._client.ready.engine

    def use(self, voice_id: str | None, language: str | None) -> None:
        """Speak the next reply in another voice or language; None changes nothing."""
        self.voice_id = voice_id or self.voice_id
        self.language = language or self.language

    async def speak(self, text: AsyncIterator[str]) -> AsyncGenerator[Piece, None]:
        """Speak clauses as they come; closing the generator cancels at the service."""
        wanted = tts.Synthesize(
            voice_id=self.voice_id, language=self.language, format=_FORMAT, more=True
        )
        request = await self._client.request(wanted)
        feeding = asyncio.create_task(_feed(request, text))
        try:
            async for chunk in request:
                told = chunk.message
                words = tuple((word.start, word.end) for word in told.words or ())
                yield Piece(chunk.audio, Spoken(told.text_start or 0, told.text_end or 0, words))
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            await request.cancel()


async def _feed(request: SpeechRequest, text: AsyncIterator[str]) -> None:
    first = True
    async for clause in text:
        await request.text(clause)
        if first:  # the first sound must not wait for a second clause
            await request.flush()
        first = False
    await request.end()
