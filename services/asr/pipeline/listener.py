"""The session's adapter to the engine and the turn model: performs what it wants done."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from services.asr.engines.base import SAMPLE_RATE, Engine, Samples, TurnModel, Utterance
from services.asr.metrics import AsrMetrics
from services.asr.pipeline.actions import (
    Action,
    Ask,
    AskJudgement,
    Cancel,
    Close,
    Feed,
    Finish,
    Flushed,
    Open,
    Send,
    Settle,
)
from services.asr.pipeline.inbox import Control
from services.asr.pipeline.session import Session
from shared.clock import Clock
from shared.errors import DeadlineExceeded, ParleyError
from shared.protocol.asr import Final, TurnEnd
from shared.protocol.base import Message, WarningMessage

ROOM = 10 * SAMPLE_RATE
"""Samples that may wait before the client's next frame is not read."""

Sink = Callable[[Message], Awaitable[None]]
OnFlushed = Callable[[bool], Awaitable[None]]
"""Told of each flush, in their order, whether there was a turn to end."""


async def _unasked(_: bool) -> None:
    """Nobody wants to know."""


@dataclass(slots=True)
class _Lane:
    """A turn's utterance and what was asked of it last."""

    utterance: Utterance
    asked: asyncio.Task[None] | None = None


class Listener:
    """Listens to one stream until it ends; owns the turns' utterances.

    Args:
        session: of this connection.
        engine, turn_model: shared by all connections.
        final_timeout_s: longest wait for the engine's text.
    """

    def __init__(
        self,
        session: Session,
        engine: Engine,
        turn_model: TurnModel | None,
        metrics: AsrMetrics,
        clock: Clock,
        *,
        final_timeout_s: float = 30.0,
    ) -> None:
        self._session = session
        self._engine = engine
        self._turn_model = turn_model
        self._metrics = metrics
        self._clock = clock
        self._final_timeout_s = final_timeout_s
        self._lanes: dict[int, _Lane] = {}
        self._open: set[Utterance] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._worked = asyncio.Event()
        self._ended_at: dict[int | None, float] = {}
        self._on_flushed: OnFlushed = _unasked

    def hear(self, samples: Samples) -> None:
        """The next samples, float32 at 16 kHz."""
        self._metrics.audio_seconds.inc(len(samples) / SAMPLE_RATE)
        self._session.hear(samples)
        if self._session.runnable:
            self._wake.set()

    def tell(self, message: Control) -> None:
        """A message of the client, at its place among the samples."""
        self._session.tell(message)
        self._wake.set()

    @property
    def crowded(self) -> bool:
        """Whether so much waits that the client should be slowed."""
        return self._session.backlog > ROOM

    @property
    def idle(self) -> bool:
        """Whether nobody speaks and nothing is owed."""
        return self._session.idle

    @property
    def waiting(self) -> bool:
        """Whether something is to be worked through, or an answer is to come."""
        return self._session.waiting

    async def worked(self) -> None:
        """Return when the session has got on by some steps."""
        self._worked.clear()
        await self._worked.wait()

    async def run(self, send: Sink, on_flushed: OnFlushed = _unasked) -> None:
        """Listen until the stream has ended and all its finals are sent.

        Raises:
            Whatever ``send`` or ``on_flushed`` raises.
        """
        self._on_flushed = on_flushed
        try:
            async with asyncio.TaskGroup() as group:
                try:
                    await self._work(group, send)
                finally:
                    for task in self._tasks:
                        task.cancel()
                    for utterance in list(self._open):
                        await self._close(utterance)
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _work(self, group: asyncio.TaskGroup, send: Sink) -> None:
        while True:
            for action in self._session.advance():
                if isinstance(action, Finish):
                    return
                await self._perform(action, group, send)
            self._count_suppressed()
            self._worked.set()
            if self._session.runnable:
                await asyncio.sleep(0)  # others have their turn between the steps
                continue
            self._wake.clear()
            await self._wake.wait()

    async def _perform(self, action: Action, group: asyncio.TaskGroup, send: Sink) -> None:
        match action:
            case Send(message):
                self._observe(message)
                await send(message)
            case Flushed(found):
                await self._on_flushed(found)
            case Open(turn, options):
                lane = _Lane(self._engine.open(options))
                self._lanes[turn] = lane
                self._open.add(lane.utterance)
            case Feed(turn, samples):
                self._lanes[turn].utterance.feed(samples)
            case Settle(turn, until):
                self._lanes[turn].utterance.settle(until)
            case Ask():
                lane = self._lanes[action.turn]
                lane.asked = self._spawn(group, self._ask(lane, action, lane.asked))
            case Cancel(turn):
                self._withdraw(self._lanes[turn])
            case Close(turn):
                self._spawn(group, self._close(self._lanes.pop(turn).utterance))
            case AskJudgement(serial, samples):
                self._spawn(group, self._judge(serial, samples))

    def _spawn(
        self, group: asyncio.TaskGroup, work: Coroutine[Any, Any, None]
    ) -> asyncio.Task[None]:
        task = group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _withdraw(self, lane: _Lane) -> None:
        if lane.asked is not None:
            lane.asked.cancel()

    async def _ask(self, lane: _Lane, ask: Ask, before: asyncio.Task[None] | None) -> None:
        """Put one question; an utterance answers one at a time."""
        if before is not None and not before.done():
            await asyncio.wait({before})
        began = self._clock.now()
        utterance = lane.utterance
        try:
            async with asyncio.timeout(self._final_timeout_s):
                transcript = await (utterance.final() if ask.final else utterance.partial())
        except TimeoutError:
            self._failed(ask, DeadlineExceeded("the engine did not answer in time"))
        except ParleyError as error:
            self._failed(ask, error)
        else:
            kind = "final" if ask.final else "partial"
            self._metrics.engine_seconds.labels(kind).observe(self._clock.now() - began)
            self._session.answered(ask.turn, ask.serial, transcript)
        self._wake.set()

    async def _close(self, utterance: Utterance) -> None:
        """Close it; one whose closing is cut short stays to be closed at the end."""
        await utterance.aclose()
        self._open.discard(utterance)

    def _failed(self, ask: Ask, error: ParleyError) -> None:
        self._metrics.engine_failures.labels(error.code).inc()
        self._session.failed(ask.turn, ask.serial, error)

    async def _judge(self, serial: int, samples: Samples) -> None:
        began = self._clock.now()
        judge = self._turn_model
        probability = await judge.judge(samples) if judge is not None else None
        if probability is not None:
            self._metrics.turn_model_seconds.observe(self._clock.now() - began)
        self._session.judged(serial, probability)
        self._wake.set()

    def _observe(self, message: Message) -> None:
        if isinstance(message, TurnEnd):
            self._metrics.turns.labels(message.reason).inc()
            self._ended_at[message.segment] = self._clock.now()
        elif isinstance(message, Final):
            ended_at = self._ended_at.pop(message.segment, None)
            if ended_at is not None:
                self._metrics.final_seconds.observe(self._clock.now() - ended_at)
        elif isinstance(message, WarningMessage):
            self._metrics.warnings.labels(message.code).inc()

    def _count_suppressed(self) -> None:
        while self._session.suppressed:
            self._metrics.suppressed.labels(self._session.suppressed.popleft()).inc()
