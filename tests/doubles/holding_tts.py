"""The TTS service around an engine that gives one chunk and holds back the rest."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.tts.app import build
from services.tts.config import TtsSettings
from services.tts.engines.base import SAMPLE_RATE, TOKENS_PER_SECOND, SpeechChunk, SpeechRequest
from tests.audio.sounds import tone
from tests.doubles.instant_tts import InstantEngine
from tests.running.app import serving


class HoldingEngine(InstantEngine):
    """Two chunks of the size that it is asked for; the second waits until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = asyncio.Event()
        self.gave_at = 0.0
        """When the first chunk of the last request was made, on the monotonic clock."""

    async def speak(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        """A tone."""
        chunk = SpeechChunk(tone(SAMPLE_RATE, request.chunk_size / TOKENS_PER_SECOND))
        self.gave_at = time.monotonic()
        yield chunk
        await self.released.wait()
        yield chunk


@asynccontextmanager
async def holding(engine: HoldingEngine, voices: Path) -> AsyncIterator[str]:
    """The service in this process, on a socket; yields its address."""
    settings = TtsSettings.model_validate({"TTS_VOICE_DIR": str(voices)})
    async with build(settings, engine) as service, serving(service.app) as address:
        yield address
        engine.released.set()
