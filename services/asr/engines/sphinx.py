"""PocketSphinx: an engine that needs no download, its model lies inside the wheel.

A decoder follows one turn at a time: 91 MB and about a fifth of a core while somebody
speaks. So decoders are pooled, lent for a turn and given back when it closes, and the
work is done on a few threads, in the order in which each turn was fed. Python runs on
meanwhile: the threads call the C library themselves, without the interpreter's lock.

A ``final`` ends the decoder's utterance; when the speaker goes on afterwards, a new one
begins and the words of both are joined. So a candidate made at a pause costs nothing
twice.
Source: https://github.com/cmusphinx/pocketsphinx (BSD-2).
"""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakSet

from services.asr.config import AsrSettings
from services.asr.engines.base import (
    EngineInfo,
    Samples,
    TranscribeOptions,
    Transcript,
)
from services.asr.engines.sphinx_decoder import Channels, DecoderPool
from services.asr.engines.sphinx_utterance import SphinxUtterance
from services.asr.metrics import AsrMetrics
from shared.engine import Kind
from shared.errors import Draining

STREAMS_PER_CORE = 4
"""Speakers one core carries: a fifth of a core each, and air to breathe."""


def default_capacity() -> int:
    """Live streams for this machine's cores."""
    return STREAMS_PER_CORE * len(os.sched_getaffinity(0))


def load(settings: AsrSettings, metrics: AsrMetrics, *, reason: str) -> "SphinxEngine":
    """The engine as the settings want it."""
    del metrics  # the session times every answer
    return SphinxEngine(
        capacity=settings.sphinx_decoders, threads=settings.sphinx_threads, reason=reason
    )


class SphinxEngine:
    """American English, streaming, on the CPU.

    Args:
        capacity: decoders at most, and so turns at the same time; 0: from the cores.
        threads: decoding threads; 0: one per core.
    """

    def __init__(self, *, capacity: int = 0, threads: int = 0, reason: str = "") -> None:
        self._info = EngineInfo(
            name="sphinx",
            model="en-us",
            kind=Kind.STREAMING,
            capacity=capacity or default_capacity(),
            languages=("en",),
            capabilities=frozenset({"partials", "words"}),
            reason=reason,
        )
        workers = threads or len(os.sched_getaffinity(0))
        self._threads = ThreadPoolExecutor(workers, "sphinx")
        self._pool = DecoderPool(self._info.capacity)
        self._channels = Channels()
        self._turns: WeakSet[SphinxUtterance] = WeakSet()

    @property
    def info(self) -> EngineInfo:
        """American English with partials and word times."""
        return self._info

    @property
    def idle_decoders(self) -> int:
        """Decoders that are loaded and that no turn holds."""
        return self._pool.idle

    async def start(self) -> None:
        """Load the first decoder, so that a broken model stops the service here."""
        await asyncio.wrap_future(self._threads.submit(self._pool.start))

    def open(self, options: TranscribeOptions) -> SphinxUtterance:
        """Begin a turn; it takes a decoder when the first sample is fed."""
        return self._begin(options.owner)

    async def transcribe(self, samples: Samples, options: TranscribeOptions) -> Transcript:
        """The text of one window of a file; the same whatever was heard before."""
        del options
        utterance = self._begin(owner="")
        try:
            utterance.attune(samples)
            utterance.feed(samples)
            return await utterance.final()
        finally:
            await utterance.aclose()

    async def aclose(self) -> None:
        """Stop the threads; whatever still waits fails."""
        for utterance in list(self._turns):
            utterance.fail(Draining("the engine is stopping"))
        self._pool.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _begin(self, owner: str) -> SphinxUtterance:
        utterance = SphinxUtterance(self._pool, self._threads, self._channels, owner)
        self._turns.add(utterance)
        return utterance
