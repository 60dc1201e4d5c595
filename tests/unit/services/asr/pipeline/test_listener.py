"""The adapter between a session and the engine: timeouts, failures, and closing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from services.asr.engines.base import FRAME, SAMPLE_RATE, Samples, TranscribeOptions, Transcript
from services.asr.metrics import AsrMetrics
from services.asr.pipeline.actions import Action
from services.asr.pipeline.listener import Listener
from services.asr.pipeline.session import Session
from shared.errors import EngineFailed
from shared.protocol.asr import End, Final, Flush
from shared.protocol.base import ErrorMessage, Message
from tests.doubles.asr_engine import InstantEngine, InstantUtterance, LevelDetector
from tests.doubles.clock import ManualClock

SPEECH = np.full(SAMPLE_RATE * 4 // 5, 0.5, np.float32)
TURN = np.concatenate([SPEECH, np.zeros(SAMPLE_RATE, np.float32)])


class StuckUtterance(InstantUtterance):
    """Never answers."""

    async def partial(self) -> Transcript:
        """Wait for ever."""
        await asyncio.Event().wait()
        return await super().partial()


class BrokenUtterance(InstantUtterance):
    """Fails whatever is asked."""

    async def partial(self) -> Transcript:
        """Fail."""
        raise EngineFailed("broken")


class BrokenJudge:
    """A turn model that skips everything."""

    def __init__(self) -> None:
        self.asked: list[Samples] = []

    async def judge(self, samples: Samples) -> float | None:
        """Skip."""
        self.asked.append(samples)
        return None


class CountingSession(Session):
    """Counts how often it is worked on."""

    advances = 0

    def advance(self, steps: int = 16) -> list[Action]:
        """Count."""
        self.advances += 1
        return super().advance(steps)


class Bench:
    """A listener, its engine, and what it sent."""

    def __init__(self, utterance: type[InstantUtterance] = InstantUtterance) -> None:
        self.engine = InstantEngine()
        self.opened: list[InstantUtterance] = []
        self.engine.open = self._open  # type: ignore[method-assign]
        self.metrics = AsrMetrics()
        self.judge = BrokenJudge()
        self.sent: list[Message] = []
        self._kind = utterance
        self.session = CountingSession(LevelDetector())
        self.listener = Listener(
            self.session,
            self.engine,
            self.judge,
            self.metrics,
            ManualClock(),
            final_timeout_s=0.05,
        )

    def _open(self, options: TranscribeOptions) -> InstantUtterance:
        del options
        self.opened.append(self._kind())
        return self.opened[-1]

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    def count(self, name: str) -> float:
        return self.metrics.registry.get_sample_value(f"parley_asr_{name}") or 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.listener.run(self.send))
        yield task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def play(self) -> list[Message]:
        self.listener.hear(TURN)
        self.listener.tell(End())
        async with asyncio.timeout(10):
            await self.listener.run(self.send)
        return self.sent


async def test_a_stream_is_heard_to_its_end() -> None:
    bench = Bench()

    sent = await bench.play()

    assert isinstance(sent[-1], Final)
    assert all(utterance.closed for utterance in bench.opened)
    assert len(bench.judge.asked) >= 1
    assert bench.metrics.registry.get_sample_value("parley_asr_audio_seconds_total") == 1.8
    assert bench.count("final_seconds_count") == 1


async def test_who_wants_to_know_is_told_of_every_flush() -> None:
    bench = Bench()
    told: list[bool] = []

    async def flushed(found: bool) -> None:
        told.append(found)

    bench.listener.tell(Flush())
    bench.listener.hear(SPEECH)
    bench.listener.tell(Flush())
    bench.listener.tell(End())
    async with asyncio.timeout(10):
        await bench.listener.run(bench.send, flushed)

    assert told == [False, True]


async def test_an_engine_that_never_answers_costs_its_time_and_an_error() -> None:
    bench = Bench(StuckUtterance)

    sent = await bench.play()

    (error,) = [message for message in sent if isinstance(message, ErrorMessage)]
    assert error.code == "timeout"
    assert isinstance(sent[-1], Final)
    failures = {"code": "timeout"}
    assert bench.metrics.registry.get_sample_value("parley_asr_engine_failures_total", failures)
    assert all(utterance.closed for utterance in bench.opened)


async def test_an_engine_that_fails_ends_no_stream() -> None:
    bench = Bench(BrokenUtterance)

    sent = await bench.play()

    assert [m.code for m in sent if isinstance(m, ErrorMessage)] == ["engine_failed"]
    assert isinstance(sent[-1], Final)


async def test_leaving_in_the_middle_closes_what_is_open() -> None:
    bench = Bench(StuckUtterance)
    async with bench.running():
        bench.listener.hear(SPEECH)
        while not bench.opened:
            await bench.listener.worked()

    assert [utterance.closed for utterance in bench.opened] == [True]


async def test_a_client_that_is_gone_ends_the_listening_with_its_own_error() -> None:
    bench = Bench()

    async def gone(message: Message) -> None:
        raise ConnectionResetError

    bench.listener.hear(TURN)
    with pytest.raises(ConnectionResetError):
        await bench.listener.run(gone)

    assert all(utterance.closed for utterance in bench.opened)


async def test_a_client_that_does_not_read_holds_the_work() -> None:
    bench = Bench()
    gate = asyncio.Event()

    async def full(message: Message) -> None:
        await gate.wait()
        bench.sent.append(message)

    for _ in range(20):
        bench.listener.hear(TURN)
    task = asyncio.create_task(bench.listener.run(full))
    for _ in range(50):
        await asyncio.sleep(0)

    waiting = bench.listener.crowded, len(bench.sent)
    gate.set()
    bench.listener.tell(End())
    await asyncio.wait_for(task, 20)

    assert waiting == (True, 0)
    assert (bench.listener.crowded, bench.listener.idle) == (False, True)
    assert sum(isinstance(message, Final) for message in bench.sent) == 20


@pytest.mark.parametrize("code", ["turn_model_skipped"])
async def test_warnings_are_counted(code: str) -> None:
    bench = Bench()

    await bench.play()

    labels = {"code": code}
    assert bench.metrics.registry.get_sample_value("parley_asr_warnings_total", labels) == 1


async def test_it_works_on_whole_frames_only() -> None:
    bench = Bench()
    half = np.zeros(FRAME // 2, np.float32)
    async with bench.running():
        await bench.listener.worked()
        before = bench.session.advances

        bench.listener.hear(half)
        for _ in range(5):
            await asyncio.sleep(0)
        assert bench.session.advances == before

        bench.listener.hear(half)
        await bench.listener.worked()
        assert bench.session.advances == before + 1
