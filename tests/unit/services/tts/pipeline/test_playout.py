"""What was made and not yet sent: bounded, and aware of the listener."""

import asyncio

import numpy as np

from services.tts.pipeline.assembly import Piece
from services.tts.pipeline.playout import Allowance, Playout
from tests.doubles.clock import ManualClock


def piece(seconds: float = 1.0) -> Piece:
    return Piece(np.zeros(round(seconds * 24_000), np.float32), seconds, 0, 0, ())


def ahead(playout: Playout) -> bool:
    return playout.ahead


async def waits(task: "asyncio.Task[None]") -> bool:
    """Whether the task still waits after everybody else has had a turn."""
    for _ in range(5):
        await asyncio.sleep(0)
    return not task.done()


async def test_who_makes_waits_for_who_sends() -> None:
    allowance = Allowance(2.0)
    playout = Playout(allowance, ManualClock())
    await playout.put(piece())
    await playout.put(piece())
    third = asyncio.create_task(playout.put(piece()))
    assert await waits(third)
    assert allowance.unsent_s == 2.0
    first = await playout.get()
    assert first is not None
    assert await waits(third)  # taken is not sent
    second = await playout.get()
    assert second is not None
    fourth = asyncio.create_task(playout.get())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not fourth.done()  # what waits for room is not there yet
    await playout.sent(first)
    await third
    assert await fourth is not None
    assert allowance.unsent_s == 2.0


async def test_a_piece_longer_than_all_room_goes_alone() -> None:
    allowance = Allowance(2.0)
    playout = Playout(allowance, ManualClock())
    await playout.put(piece(30))
    second = asyncio.create_task(playout.put(piece()))
    assert await waits(second)
    got = await playout.get()
    assert got is not None
    await playout.sent(got)
    await second


async def test_requests_of_a_connection_share_its_room() -> None:
    allowance = Allowance(2.0)
    one, other = Playout(allowance, ManualClock()), Playout(allowance, ManualClock())
    await one.put(piece(2))
    waiting = asyncio.create_task(other.put(piece()))
    assert await waits(waiting)
    await one.drop()
    await waiting


async def test_the_end_comes_after_what_was_put() -> None:
    playout = Playout(Allowance(9), ManualClock())
    await playout.put(piece())
    playout.close()
    assert await playout.get() is not None
    assert await playout.get() is None


async def test_a_dropped_playout_gives_nothing_more_and_its_room_back() -> None:
    allowance = Allowance(9)
    playout = Playout(allowance, ManualClock())
    await playout.put(piece())
    await playout.drop()
    assert await playout.get() is None
    assert allowance.unsent_s == 0


async def test_a_listener_with_seconds_in_store_is_ahead_until_they_are_heard() -> None:
    clock = ManualClock()
    playout = Playout(Allowance(99), clock)
    for _ in range(6):
        await playout.put(piece())
    assert playout.begun
    assert not ahead(playout)  # nothing was sent yet
    for _ in range(6):
        made = await playout.get()
        assert made is not None
        await playout.sent(made)
    assert ahead(playout)
    clock.advance(3)
    assert not ahead(playout)


async def test_room_for_a_short_piece_is_not_kept_for_a_long_one() -> None:
    allowance = Allowance(2.0)
    playout = Playout(allowance, ManualClock())
    await playout.put(piece())
    await playout.put(piece())
    long = asyncio.create_task(Playout(allowance, ManualClock()).put(piece(2)))
    assert await waits(long)
    short = asyncio.create_task(Playout(allowance, ManualClock()).put(piece()))
    assert await waits(short)
    first = await playout.get()
    assert first is not None
    await playout.sent(first)
    await short
    assert await waits(long)
    long.cancel()


async def test_what_was_heard_counts_from_the_first_piece() -> None:
    clock = ManualClock()
    playout = Playout(Allowance(99), clock)
    for seconds in (4, 4):
        await playout.put(piece(seconds))
        made = await playout.get()
        assert made is not None
        await playout.sent(made)
        clock.advance(2)
    assert not ahead(playout)
