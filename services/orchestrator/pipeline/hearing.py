"""Ears: the ASR service, through lost lines and changes of the audio's format."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, Self

from services.orchestrator.pipeline.events import HearingFailed
from services.orchestrator.pipeline.ports import Heard
from shared.clients.asr import LINE_LOST, LINE_MENDED, AsrClient
from shared.clients.connection import Endpoint
from shared.errors import UpstreamFailed
from shared.protocol import asr
from shared.protocol.base import ErrorMessage, WarningMessage

_FORMAT = {"sample_rate", "encoding", "channels"}


class ServiceHearing:
    """The recogniser of one conversation; use as a context manager."""

    def __init__(self, endpoint: Endpoint, config: asr.Config) -> None:
        self._endpoint = endpoint
        self._config = config
        self._stack = AsyncExitStack()
        self._changing = asyncio.Lock()
        self._client = self._made()

    def _made(self) -> AsrClient:
        return AsrClient(self._endpoint, self._config, patience_s=float("inf"))

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            ParleyError: the service cannot be reached, or has no place.
        """
        await self._stack.enter_async_context(self._client)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give the place back."""
        await self._stack.aclose()

    @property
    def engine(self) -> str:
        """What listens."""
        return self._client.ready.engine

    async def feed(self, pcm: bytes) -> None:
        """Send a frame; a lost line keeps it for later."""
        await self._client.send(pcm)

    async def configure(self, changes: Mapping[str, Any]) -> None:
        """Change how it listens; another audio format needs another stream."""
        self._config = self._config.model_copy(update=dict(changes))
        if not _FORMAT & changes.keys():
            await self._client.tell(self._config)
            return
        async with self._changing:  # give the place back before asking for one
            await self._stack.aclose()
            client = self._made()
            await self._stack.enter_async_context(client)
            self._client = client

    async def tell(self, message: asr.Flush | asr.Reset | asr.Silence) -> None:
        """What it is to do with what it has."""
        await self._client.tell(message)

    async def listen(self) -> AsyncIterator[Heard]:
        """What it hears, until the conversation ends; a lost line is told, then mended.

        Raises:
            ParleyError: the service refused for good.
        """
        while True:
            client = self._client
            async for message in client:
                if isinstance(message, WarningMessage) and message.code == LINE_LOST:
                    yield HearingFailed(UpstreamFailed(message.message, retry_after_s=1))
                elif isinstance(message, _HEARD) and not _mended(message):
                    yield message
            async with self._changing:
                if client is self._client:
                    return


_HEARD = (
    asr.SpeechStart,
    asr.SpeechEnd,
    asr.Partial,
    asr.Candidate,
    asr.TurnEnd,
    asr.Final,
    WarningMessage,
    ErrorMessage,
)


def _mended(message: object) -> bool:
    return isinstance(message, WarningMessage) and message.code == LINE_MENDED
