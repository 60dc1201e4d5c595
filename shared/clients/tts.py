"""Speech over one socket: several requests at a time, on a line that is mended."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from typing import Self

from shared.clients.connection import Endpoint
from shared.clients.speech import Chunk, SpeechRequest
from shared.clients.speech_line import Answer, Question, SpeechLine
from shared.clock import Clock, SystemClock
from shared.errors import UpstreamFailed
from shared.protocol import tts


class TtsClient:
    """A connection to the TTS service; use as a context manager.

    When the line is lost, requests that were already heard fail with ``upstream_failed``;
    those that were not are said again on a new line, which is opened when it is wanted.

    Args:
        endpoint: the TTS service.
        patience_s: how long a lost line is tried for.
        first_patience_s: how long the first one is; 0: once.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        patience_s: float = 10.0,
        first_patience_s: float = 0.0,
        clock: Clock | None = None,
    ) -> None:
        self._first_patience_s = first_patience_s
        self._line = SpeechLine(endpoint, patience_s, clock or SystemClock())
        self._ids = itertools.count(1)
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._line.open(self._first_patience_s)
        self._reader = asyncio.create_task(self._line.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self._line.close()

    @property
    def ready(self) -> tts.Ready:
        """What the service said of itself."""
        if self._line.ready is None:
            raise RuntimeError("the client is not connected")
        return self._line.ready

    async def request(self, synthesize: tts.Synthesize) -> SpeechRequest:
        """Open a request; with ``more`` its text may follow piece by piece."""
        if synthesize.request_id is None:
            synthesize = synthesize.model_copy(update={"request_id": f"r{next(self._ids)}"})
        request = SpeechRequest(synthesize, self._line.pump)
        await self._line.add(request)
        return request

    async def speak(
        self, text: str | AsyncIterator[str], options: tts.Synthesize | None = None
    ) -> AsyncGenerator[Chunk, None]:
        """Speak a text, or texts as they come; closing the generator cancels.

        Args:
            text: all of it, or clauses and tokens in order.
            options: everything but the text and the id.

        Raises:
            ParleyError: the service refused or failed, or the line was lost while speaking.
        """
        whole = isinstance(text, str)
        changes = {"text": text if whole else "", "more": not whole, "request_id": None}
        request = await self.request((options or tts.Synthesize()).model_copy(update=changes))
        feeding = None if isinstance(text, str) else asyncio.create_task(_feed(request, text))
        try:
            async for chunk in request:
                yield chunk
            if feeding is not None:
                await feeding
        finally:
            if feeding is not None:
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)
            await request.cancel()

    async def voices(self) -> tts.Voices:
        """All voices."""
        answer = await self._ask(tts.ListVoices())
        if not isinstance(answer, tts.Voices):
            raise _crossed(answer)
        return answer

    async def register_voice(self, message: tts.RegisterVoice) -> tts.VoiceRegistered:
        """Make a voice."""
        answer = await self._ask(message)
        if not isinstance(answer, tts.VoiceRegistered):
            raise _crossed(answer)
        return answer

    async def delete_voice(self, voice_id: str) -> tts.VoiceDeleted:
        """Forget a voice."""
        answer = await self._ask(tts.DeleteVoice(voice_id=voice_id))
        if not isinstance(answer, tts.VoiceDeleted):
            raise _crossed(answer)
        return answer

    async def _ask(self, question: Question) -> Answer:
        return await self._line.ask(question)


async def _feed(request: SpeechRequest, texts: AsyncIterator[str]) -> None:
    async with AsyncExitStack() as unfinished:
        unfinished.push_async_callback(request.cancel)
        async for text in texts:
            await request.text(text)
        await request.end()
        unfinished.pop_all()


def _crossed(answer: Answer) -> UpstreamFailed:
    return UpstreamFailed(f"the service answered `{answer.type}` to another question")
