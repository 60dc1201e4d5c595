"""A place is free again the moment its holder leaves, however it leaves."""

import asyncio
from typing import Any

import pytest

from shared.errors import AtCapacity, Draining
from shared.web.places import Places, PlacesGate
from tests.unit.shared.web.asgi import Raising, Recording, call, http, metrics, websocket


async def test_one_more_than_there_are_is_refused_with_a_time_to_come_back() -> None:
    places = Places(1)
    with places.take(), pytest.raises(AtCapacity) as caught, places.take():
        pass
    assert caught.value.retry_after_s
    assert places.taken == 0


async def test_draining_gives_no_new_place_and_waits_for_the_last() -> None:
    places = Places(2)
    with places.take():
        places.draining.set()
        with pytest.raises(Draining), places.take():
            pass
        waiting = asyncio.create_task(places.wait_empty())
        await asyncio.sleep(0)
        assert not waiting.done()
    await waiting


@pytest.mark.parametrize(
    ("scope", "held"),
    [
        (websocket("/ws"), True),
        (http("/v1/audio/speech", "POST"), True),
        (http("/v1/audio/transcriptions", "POST"), True),
        (http("/v1/audio/voices", "GET"), False),
        (http("/v1/models", "GET"), False),
        (http("/health"), False),
    ],
    ids=lambda value: value["path"] if isinstance(value, dict) else "",
)
async def test_who_needs_a_place(scope: dict[str, Any], held: bool) -> None:
    full = PlacesGate(Recording(), Places(0))
    if held:
        with pytest.raises(AtCapacity):
            await call(full, scope)
    else:
        await call(full, scope)


async def test_an_app_that_raises_gives_its_place_back() -> None:
    places = Places(1)
    with pytest.raises(ValueError, match="x"):
        await call(PlacesGate(Raising(ValueError("x")), places), websocket())
    assert places.taken == 0


async def test_a_cancelled_connection_gives_its_place_back() -> None:
    places = Places(1)

    async def forever(*_: object) -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(call(PlacesGate(forever, places), websocket()))
    await asyncio.sleep(0)
    assert places.taken == 1
    task.cancel()
    await asyncio.wait([task])
    assert places.taken == 0


async def test_the_gauges_follow() -> None:
    counted = metrics()
    with Places(3, counted).take():
        assert b"parley_test_places_taken 1.0" in counted.exposition()[0]
    assert b"parley_test_places_taken 0.0" in counted.exposition()[0]
