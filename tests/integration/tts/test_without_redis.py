"""Redis down at the start, and going away later: voices work here, and are shared afterwards."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from tests.doubles.instant_tts import OWN_HZ
from tests.integration.tts.test_prepared import replica
from tests.integration.tts.test_voices import (
    eventually_gone,
    eventually_there,
    register,
    spoken_at,
    wav,
)
from tests.running.redis import RedisServer
from tests.running.service import ServiceProcess


async def health(service: ServiceProcess) -> dict[str, Any]:
    async with httpx.AsyncClient(timeout=30) as http:
        answer = await http.get(f"{service.url}/health")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def delete(service: ServiceProcess, voice_id: str) -> httpx.Response:
    return httpx.delete(f"{service.url}/v1/audio/voices/{voice_id}", timeout=30)


async def is_well(service: ServiceProcess) -> None:
    async with asyncio.timeout(20):
        while (await health(service))["status"] != "ok":
            await asyncio.sleep(0.05)


async def test_it_starts_without_redis_and_catches_up(
    tmp_path: Path, redis_server: RedisServer, speech: np.ndarray
) -> None:
    await redis_server.stop()
    one, two = (replica(tmp_path / name, redis_server) for name in ("one", "two"))
    with one, two:
        told = await health(one)
        assert told["status"] == "degraded"
        assert told["redis"] == {"enabled": True, "healthy": False}
        assert any("voices are not shared now" in line for line in one.log)
        assert register(one, "early", wav(speech)).status_code == 201
        assert await spoken_at(one, "early") != OWN_HZ
        await redis_server.start()
        await eventually_there(two, "early", within_s=20)
        assert await spoken_at(two, "early") == await spoken_at(one, "early")
        await is_well(one)
        await is_well(two)


async def test_it_goes_on_when_redis_goes_and_shares_afterwards(
    tmp_path: Path, redis_server: RedisServer, speech: np.ndarray
) -> None:
    one, two = (replica(tmp_path / name, redis_server) for name in ("one", "two"))
    with one, two:
        assert register(one, "before", wav(speech)).status_code == 201
        await eventually_there(two, "before")
        assert (await health(one))["status"] == "ok"
        await redis_server.stop()
        assert await spoken_at(one, "before") != OWN_HZ
        assert register(one, "meanwhile", wav(speech)).status_code == 201
        # What would come back from the other replicas is refused, not pretended.
        again = register(one, "before", wav(speech[::-1]), replace=True)
        assert (again.status_code, again.json()["error"]["code"]) == (502, "upstream_failed")
        dead = await asyncio.to_thread(delete, one, "before")
        assert (dead.status_code, dead.json()["error"]["code"]) == (502, "upstream_failed")
        assert (await health(one))["status"] == "degraded"
        await redis_server.start()
        await eventually_there(two, "meanwhile", within_s=20)
        await is_well(one)
        assert (await asyncio.to_thread(delete, one, "before")).status_code == 200
        await eventually_gone(two, "before")


async def test_an_id_taken_meanwhile_belongs_to_who_shared_it_first(
    tmp_path: Path, redis_server: RedisServer, speech: np.ndarray
) -> None:
    await redis_server.stop()
    late = replica(tmp_path / "late", redis_server)
    with late:
        assert register(late, "taken", wav(speech[::-1])).status_code == 201
    await redis_server.start()
    first = replica(tmp_path / "first", redis_server)
    with first:
        assert register(first, "taken", wav(speech)).status_code == 201
        with replica(tmp_path / "late", redis_server) as back:
            assert await spoken_at(back, "taken") == await spoken_at(first, "taken")
    assert not list((tmp_path / "late").iterdir())
