"""The adapter between a session and the engine: one question at a time, nothing left behind."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np

from services.asr.engines.base import SAMPLE_RATE, Samples, TranscribeOptions, Transcript, TurnModel
from services.asr.metrics import AsrMetrics
from services.asr.pipeline.listener import Listener
from services.asr.pipeline.session import Session
from shared.protocol.asr import End, Final, Reset
from shared.protocol.base import Message
from tests.doubles.asr_engine import InstantEngine, InstantUtterance, LevelDetector
from tests.doubles.clock import ManualClock

SPEECH = np.full(SAMPLE_RATE * 4 // 5, 0.5, np.float32)
PAUSE = np.zeros(SAMPLE_RATE // 2, np.float32)
TURN = np.concatenate([SPEECH, PAUSE, PAUSE])


class SlowPartials(InstantUtterance):
    """Its partials never come, and take a while to be withdrawn."""

    def __init__(self) -> None:
        super().__init__()
        self.busy = False
        self.withdrawn = 0

    async def partial(self) -> Transcript:
        """Wait for ever."""
        self.busy = True
        try:
            await asyncio.Event().wait()
        finally:
            self.withdrawn += 1
            for _ in range(3):
                await asyncio.sleep(0)
            self.busy = False
        raise AssertionError

    async def final(self) -> Transcript:
        """Answer, unless something else is being answered."""
        assert not self.busy
        return await super().partial()


class SlowToClose(InstantUtterance):
    """The first attempt at closing it hangs."""

    closings = 0

    async def aclose(self) -> None:
        """Hang, once."""
        self.closings += 1
        if self.closings == 1:
            await asyncio.Event().wait()
        await super().aclose()


class GatedJudge:
    """A turn model that takes its time."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()

    async def judge(self, samples: Samples) -> float | None:
        """Certain, when it is let."""
        del samples
        self.asked.set()
        await self.gate.wait()
        return 0.99


class Bench:
    """A listener that runs, and what it sent."""

    def __init__(
        self, kind: type[InstantUtterance] = InstantUtterance, judge: TurnModel | None = None
    ) -> None:
        self.opened: list[InstantUtterance] = []
        engine = InstantEngine()

        def open_(options: TranscribeOptions) -> InstantUtterance:
            del options
            self.opened.append(kind())
            return self.opened[-1]

        engine.open = open_  # type: ignore[method-assign]
        self.sent: list[Message] = []
        session = Session(LevelDetector(), semantic=judge is not None)
        self.listener = Listener(session, engine, judge, AsrMetrics(), ManualClock())

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def finals(self) -> int:
        return sum(isinstance(message, Final) for message in self.sent)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.listener.run(self.send))
        await self.listener.worked()
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


async def test_what_the_client_says_is_heard_without_more_audio() -> None:
    bench = Bench()
    async with bench.running() as task:
        bench.listener.tell(End())
        await asyncio.wait_for(task, 10)


async def test_a_partial_under_way_is_withdrawn_before_the_final_is_asked_for() -> None:
    bench = Bench(SlowPartials)
    async with bench.running():
        bench.listener.hear(TURN)
        await until(lambda: bench.finals == 1)
    (utterance,) = bench.opened
    assert isinstance(utterance, SlowPartials)
    assert utterance.withdrawn == 1


async def test_a_reset_withdraws_what_was_asked_and_closes_the_turn() -> None:
    bench = Bench(SlowPartials)
    async with bench.running():
        bench.listener.hear(SPEECH)
        await until(lambda: any(vars(utterance)["busy"] for utterance in bench.opened))
        bench.listener.tell(Reset())
        await until(lambda: bench.opened[0].closed)
        await until(lambda: vars(bench.opened[0])["withdrawn"] == 1)


async def test_a_turn_that_is_over_leaves_nothing_behind() -> None:
    bench = Bench()
    async with bench.running():
        bench.listener.hear(TURN)
        await until(lambda: bench.finals == 1 and bench.opened[0].closed)
        listener = bench.listener
        await until(lambda: not listener._tasks)
        assert not listener._lanes
        assert not listener._open
        assert not listener._ended_at


async def test_an_utterance_whose_closing_was_cut_short_is_closed_in_the_end() -> None:
    bench = Bench(SlowToClose)
    async with bench.running():
        bench.listener.hear(TURN)
        await until(lambda: bool(bench.opened) and vars(bench.opened[0]).get("closings") == 1)
    assert bench.opened[0].closed


async def test_a_verdict_ends_the_turn_without_more_audio() -> None:
    judge = GatedJudge()
    bench = Bench(judge=judge)
    async with bench.running():
        bench.listener.hear(np.concatenate([SPEECH, PAUSE]))
        await asyncio.wait_for(judge.asked.wait(), 10)
        assert bench.finals == 0
        judge.gate.set()
        await until(lambda: bench.finals == 1)


async def test_an_utterance_that_is_slow_to_close_does_not_hold_the_end() -> None:
    bench = Bench(SlowToClose)
    async with bench.running() as task:
        bench.listener.hear(TURN)
        bench.listener.tell(End())
        await asyncio.wait_for(task, 10)


async def test_others_have_their_turn_while_much_is_worked_through() -> None:
    bench = Bench()
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    for _ in range(20):
        bench.listener.hear(PAUSE)
    bench.listener.tell(End())
    await bench.listener.run(bench.send)
    task.cancel()
    assert turns >= 10
