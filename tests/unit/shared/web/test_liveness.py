"""Who is silent is asked; who does not answer is let go. Time is the test's own."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.web.faults import Disconnected
from shared.web.liveness import Liveness, Watch
from tests.doubles.clock import ManualClock

LIVENESS = Liveness(ping_interval_s=0.01, peer_timeout_s=30)


class Peer:
    """Notes the questions, and answers none of its own accord."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()

    async def ask(self) -> None:
        self.asked.set()
        await self.reads.wait()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def watch(clock: ManualClock) -> Watch:
    return Watch(clock, LIVENESS)


@pytest.fixture
async def peer() -> Peer:
    return Peer()


@pytest.fixture
async def watching(watch: Watch, peer: Peer) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(watch.run(peer.ask))
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def asked_again(peer: Peer, clock: ManualClock, after_s: float) -> None:
    peer.asked.clear()
    clock.advance(after_s)
    async with asyncio.timeout(10):
        await peer.asked.wait()


async def test_a_peer_that_was_heard_stays(
    watch: Watch, peer: Peer, clock: ManualClock, watching: "asyncio.Task[None]"
) -> None:
    for _ in range(4):
        await asked_again(peer, clock, 20)
        watch.heard()
    await asked_again(peer, clock, 20)

    assert not watching.done()


async def test_a_peer_that_answers_nothing_is_gone(
    peer: Peer, clock: ManualClock, watching: "asyncio.Task[None]"
) -> None:
    await asked_again(peer, clock, 20)
    clock.advance(10)

    with pytest.raises(Disconnected):
        async with asyncio.timeout(10):
            await watching


async def test_a_peer_that_does_not_even_take_the_question_is_gone(clock: ManualClock) -> None:
    peer = Peer()
    peer.reads.clear()
    watch = Watch(clock, Liveness(ping_interval_s=0.01, peer_timeout_s=0.05))
    watching = asyncio.create_task(watch.run(peer.ask))
    clock.advance(0.02)  # the clock stands still from here on: only the question's own time is left

    with pytest.raises(Disconnected):
        async with asyncio.timeout(10):
            await watching
