"""What an engine prepared of a voice: kept on disk and in Redis, sealed, gone with the voice."""

import asyncio
from pathlib import Path

import httpx
import numpy as np
import pytest
from redis.asyncio import Redis

from tests.integration.tts.test_voices import KEY, eventually_there, register, spoken_at, wav
from tests.running.redis import RedisServer
from tests.running.service import ServiceProcess

VOICE = "kept"
IN_REDIS = f"parley:tts:prepared:{VOICE}"


def replica(folder: Path, redis: RedisServer, model: str = "instant") -> ServiceProcess:
    return ServiceProcess(
        "tts",
        module="tests.doubles.instant_tts",
        TTS_VOICE_DIR=str(folder),
        TTS_VOICE_KEY=KEY,
        REDIS_URL=redis.url,
        INSTANT_TTS_MODEL=model,
    )


def prepared(folder: Path) -> list[Path]:
    return list(folder.glob("*.prepared"))


async def preparations(service: ServiceProcess, sockets: int) -> int:
    """How often it has prepared a voice, once it has logged the end of so many sockets."""
    async with asyncio.timeout(20):
        while sum('"connection closed"' in line for line in service.log) < sockets:
            await asyncio.sleep(0.02)
    return sum('"voice prepared"' in line for line in service.log)


async def gone(folders: list[Path], store: Redis) -> None:
    """All of it, within the promised second."""
    keys = (IN_REDIS, f"parley:tts:voice:{VOICE}")
    async with asyncio.timeout(1.0):
        while await store.exists(*keys) or any(any(folder.iterdir()) for folder in folders):
            await asyncio.sleep(0.02)


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    made = [tmp_path / "one", tmp_path / "two"]
    for folder in made:
        folder.mkdir()
    return made


async def test_a_voice_is_prepared_once_for_all_replicas_and_restarts(
    folders: list[Path], redis_server: RedisServer, speech: np.ndarray
) -> None:
    one, two = (replica(folder, redis_server) for folder in folders)
    async with Redis.from_url(redis_server.url) as store:
        with one, two:
            assert register(one, VOICE, wav(speech)).status_code == 201
            await eventually_there(two, VOICE)
            hertz = await spoken_at(one, VOICE)
            assert await preparations(one, 1) == 1
            (path,) = prepared(folders[0])
            assert path.stat().st_mode & 0o077 == 0
            (shared,) = (await store.hgetall(IN_REDIS)).values()
            for stored in (path.read_bytes(), shared):
                assert b"__metadata__" not in stored
                assert b"hertz" not in stored
            assert await spoken_at(two, VOICE) == hertz
            assert await preparations(two, 1) == 0
        await store.delete(IN_REDIS)
        with replica(folders[0], redis_server) as again:
            assert await spoken_at(again, VOICE) == hertz
            assert await preparations(again, 1) == 0


async def test_another_model_and_a_damaged_file_are_prepared_anew(
    folders: list[Path], redis_server: RedisServer, speech: np.ndarray
) -> None:
    folder = folders[0]
    with replica(folder, redis_server) as one:
        assert register(one, VOICE, wav(speech)).status_code == 201
        hertz = await spoken_at(one, VOICE)
    with replica(folder, redis_server, model="larger") as larger:
        assert await spoken_at(larger, VOICE) == hertz
        assert await preparations(larger, 1) == 1
    (path,) = prepared(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    async with Redis.from_url(redis_server.url) as store:
        await store.delete(IN_REDIS)
    with replica(folder, redis_server, model="larger") as damaged:
        assert await spoken_at(damaged, VOICE) == hertz
        assert await preparations(damaged, 1) == 1
        assert any("prepared voice cannot be opened" in line for line in damaged.log)


async def test_deleting_and_replacing_leave_nothing_of_it_anywhere(
    folders: list[Path], redis_server: RedisServer, speech: np.ndarray
) -> None:
    one, two = (replica(folder, redis_server) for folder in folders)
    async with Redis.from_url(redis_server.url) as store:
        with one, two:
            assert register(one, VOICE, wav(speech)).status_code == 201
            await eventually_there(two, VOICE)
            first = await spoken_at(one, VOICE)
            old = {path.read_bytes() for path in folders[0].iterdir()}
            assert len(old) == 2
            assert await asyncio.to_thread(replaced, two, speech) == 201
            async with asyncio.timeout(1.0):  # the other replica keeps nothing of the old voice
                while any(folders[0].iterdir()):
                    await asyncio.sleep(0.02)
            assert await store.exists(IN_REDIS) == 0
            second = await spoken_at(two, VOICE)
            assert await spoken_at(one, VOICE) == second != first
            assert await preparations(one, 2) == 1
            assert len(prepared(folders[1])) == await store.hlen(IN_REDIS) == 1
            answer = await asyncio.to_thread(httpx.delete, f"{one.url}/v1/audio/voices/{VOICE}")
            assert answer.status_code == 200
            await gone(folders, store)


def replaced(service: ServiceProcess, speech: np.ndarray) -> int:
    return register(service, VOICE, wav(speech[::-1]), replace=True).status_code
