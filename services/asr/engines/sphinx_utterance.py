"""One turn in front of PocketSphinx: commands in the order they were given, off the loop."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from services.asr.engines.base import Samples, Transcript, Word
from services.asr.engines.sphinx_decoder import Channels, Decoder, DecoderPool, Ear, mean_confidence
from shared.errors import EngineFailed, ParleyError

log = logging.getLogger(__name__)

Words = tuple[Word, ...]


class SphinxUtterance:
    """Runs its commands one at a time on the engine's threads; others run between them.

    It borrows a decoder with the first samples and gives it back when it is closed.
    """

    def __init__(
        self, pool: DecoderPool, threads: ThreadPoolExecutor, channels: Channels, owner: str
    ) -> None:
        self._pool = pool
        self._channels = channels
        self._owner = owner
        self._threads = threads
        self._lock = threading.Lock()
        self._commands: deque[Callable[[Ear], None]] = deque()
        self._asked: set[Future[Words]] = set()
        self._ear: Ear | None = None
        self._running = False
        self._failure: ParleyError | None = None
        self._settled = 0.0

    def feed(self, samples: Samples) -> None:
        """Queue samples for the decoder."""
        self._enqueue(lambda ear: ear.hear(samples))

    def attune(self, samples: Samples) -> None:
        """Queue a whole recording, of which the channel is learnt; before it is fed."""
        self._enqueue(lambda ear: ear.attune(samples))

    async def partial(self) -> Transcript:
        """The words of the best path so far."""
        return await self._ask(Ear.words)

    async def final(self) -> Transcript:
        """The words of the settled paths, with their posteriors."""
        return await self._ask(Ear.end)

    def settle(self, until: float) -> None:
        """Leave out the words that end by ``until``; the decoder keeps no audio anyway."""
        self._settled = until

    async def aclose(self) -> None:
        """Drop what is queued; the decoder goes back when its thread is done with it."""
        self.fail(EngineFailed("the turn was closed"))
        with self._lock:
            borrowed = self._running or self._ear is not None
        if borrowed:
            self._enqueue(self._give_back)

    def fail(self, error: ParleyError) -> None:
        """Answer whatever is asked, and whatever will be, with an error."""
        with self._lock:
            self._failure = error
            self._commands.clear()
            asked, self._asked = self._asked, set()
        for answer in asked:
            if not answer.done() and answer.set_running_or_notify_cancel():
                answer.set_exception(error)

    async def _ask(self, question: Callable[[Ear], Words]) -> Transcript:
        answer: Future[Words] = Future()
        with self._lock:
            if self._failure is not None:
                raise self._failure
            self._asked.add(answer)
        self._enqueue(lambda ear: self._answer(answer, question(ear)))
        words = await asyncio.wrap_future(answer)
        words = tuple(word for word in words if word.end > self._settled)
        text = " ".join(word.word for word in words)
        return Transcript(text, words, language="en", confidence=mean_confidence(words))

    def _answer(self, answer: "Future[Words]", words: Words) -> None:
        with self._lock:
            wanted = answer in self._asked
            self._asked.discard(answer)
        if wanted and answer.set_running_or_notify_cancel():
            answer.set_result(words)

    def _enqueue(self, command: Callable[[Ear], None]) -> None:
        with self._lock:
            self._commands.append(command)
            if self._running:
                return
            self._running = True
        self._threads.submit(self._step)

    def _step(self) -> None:
        """Run one command on the calling thread, then queue up again behind the others."""
        if self._ear is None:
            self._pool.lend(self._take)
            return
        with self._lock:
            command = self._commands.popleft() if self._commands else None
        try:
            if command is not None:
                command(self._ear)
        except Exception as error:  # the boundary: else nobody answers whoever waits
            log.exception("PocketSphinx failed")
            self.fail(EngineFailed(f"PocketSphinx failed: {error}"))
        with self._lock:
            self._running = bool(self._commands)
            if not self._running:
                return
        self._threads.submit(self._step)

    def _take(self, decoder: Decoder) -> None:
        self._ear = Ear(decoder, self._channels.mean(self._owner))
        self._threads.submit(self._step)

    def _give_back(self, ear: Ear) -> None:
        self._ear = None
        ear.end()
        if self._owner and ear.heard:
            self._channels.learn(self._owner, ear.decoder.mean())
        self._pool.give_back(ear.decoder)
