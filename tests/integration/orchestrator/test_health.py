"""What the conversation service says of itself and of its neighbours, all of them real."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.orchestrator.client import House, house
from tests.running.redis import RedisServer
from tests.running.service import ServiceProcess


@pytest.fixture(scope="module")
def asr() -> Iterator[ServiceProcess]:
    with ServiceProcess("asr", module="tests.doubles.instant_asr", ASR_SMART_TURN="off") as service:
        yield service


@pytest.fixture(scope="module")
def tts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    folder = str(tmp_path_factory.mktemp("voices"))
    with ServiceProcess("tts", TTS_ENGINE="espeak", TTS_VOICE_DIR=folder) as service:
        yield service


async def health(service: House) -> dict[str, Any]:
    return dict((await service.http.get("/health")).json())


async def until(service: House, status: str, within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while (await health(service))["status"] != status:
            await asyncio.sleep(0.1)


async def test_it_names_the_engines_before_anybody_talked(
    asr: ServiceProcess, tts: ServiceProcess
) -> None:
    async with house(asr_url=asr.url, tts_url=tts.url) as service:
        told = await health(service)
    assert told["status"] == "ok"
    assert told["asr"]["engine"] == "instant"
    assert told["tts"] == {
        "url": tts.url,
        "healthy": True,
        "status": "ok",
        "engine": "espeak",
        "places": {"capacity": 30, "taken": 0},
    }


async def test_it_sees_a_neighbour_die_and_come_back(asr: ServiceProcess) -> None:
    with ServiceProcess("tts", TTS_ENGINE="espeak") as doomed:
        async with house(asr_url=asr.url, tts_url=doomed.url) as service:
            await until(service, "ok")
            doomed.kill()
            await until(service, "degraded")
            told = await health(service)
            assert told["tts"]["healthy"] is False
            assert told["tts"]["status"] == "not answering"
            assert told["asr"]["healthy"] is True
            again = {"TTS_PORT": str(doomed.port), "TTS_ENGINE": "espeak"}
            with ServiceProcess("tts", **again):
                await until(service, "ok")


async def test_it_sees_that_a_url_is_somebody_elses(
    asr: ServiceProcess, tts: ServiceProcess
) -> None:
    async with house(asr_url=asr.url, tts_url=f"{tts.url}/v1/models?") as service:
        assert (await health(service))["tts"]["status"] == "not a Parley service"


async def test_sessions_are_counted_for_prometheus(
    asr: ServiceProcess, tts: ServiceProcess
) -> None:
    async with house(asr_url=asr.url, tts_url=tts.url) as service:
        assert await sessions(service.http) == 0
        made = [await service.session() for _ in range(2)]
        assert await sessions(service.http) == 2
        await service.http.delete(f"/v2/sessions/{made[0]['session_id']}")
        assert await sessions(service.http) == 1


async def test_a_redis_that_hangs_holds_up_neither_health_nor_metrics(
    asr: ServiceProcess, tts: ServiceProcess, redis_server: RedisServer
) -> None:
    """Its own client would try for half a minute, and Prometheus waits for ten seconds."""
    settings = {"asr_url": asr.url, "tts_url": tts.url, "redis_url": redis_server.url}
    async with house(**settings) as service:
        await service.session()
        assert await sessions(service.http) >= 1
        async with redis_server.frozen(), asyncio.timeout(10):
            told = (await service.http.get("/health", timeout=10)).json()
            assert told["redis"] == {"enabled": True, "healthy": False}
            assert told["status"] == "degraded"
            assert (await service.http.get("/metrics", timeout=10)).is_success


async def sessions(http: httpx.AsyncClient) -> float:
    text = (await http.get("/metrics")).text
    found = re.search(r"^parley_orchestrator_sessions (\S+)$", text, re.MULTILINE)
    assert found
    return float(found[1])
