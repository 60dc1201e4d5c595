"""The first endpoints, asked over ASGI as a client would."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.routing import Router

from shared.web.health import Health
from shared.web.places import Places
from tests.unit.shared.web.asgi import metrics

PLACES = 3


@pytest.fixture
def places() -> Places:
    return Places(PLACES)


@pytest.fixture
async def client(places: Places, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    page = tmp_path / "index.html"
    page.write_text("<title>page</title>")
    health = Health(metrics(), places, lambda: {"engine": {"name": "e"}}, page=page)
    transport = httpx.ASGITransport(Router(health.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_live_and_ready(client: httpx.AsyncClient, places: Places) -> None:
    assert (await client.get("/live")).status_code == 200
    assert (await client.get("/ready")).status_code == 200
    places.draining.set()
    assert (await client.get("/live")).status_code == 200
    assert (await client.get("/ready")).status_code == 503


async def test_health_tells_places_and_engine(client: httpx.AsyncClient, places: Places) -> None:
    with places.take():
        body = (await client.get("/health")).json()
    assert body["status"] == "ok"
    assert body["places"] == {"capacity": PLACES, "taken": 1}
    assert body["engine"] == {"name": "e"}


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ({}, "ok"),
        ({"redis": {"enabled": False, "healthy": False}}, "ok"),
        ({"redis": {"enabled": True, "healthy": True}, "asr": {"healthy": True}}, "ok"),
        ({"redis": {"enabled": True, "healthy": False}}, "degraded"),
        ({"asr": {"healthy": False}, "tts": {"healthy": True}}, "degraded"),
    ],
)
async def test_a_part_that_is_needed_and_away_degrades(
    places: Places, parts: dict[str, object], status: str
) -> None:
    health = Health(metrics(), places, lambda: {"engine": "e", **parts})
    transport = httpx.ASGITransport(Router(health.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/health")).json()["status"] == status


async def test_a_browser_gets_the_page_and_others_a_description(
    client: httpx.AsyncClient,
) -> None:
    browser = await client.get("/", headers={"accept": "text/html,*/*"})
    assert "<title>page</title>" in browser.text
    other = (await client.get("/", headers={"accept": "application/json"})).json()
    assert other["name"] == "parley-test"
    assert other["links"]["health"] == "/health"


async def test_metrics_are_for_prometheus(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")
    assert "# TYPE parley_test_http_requests_total counter" in answer.text
    assert "process_resident_memory_bytes" in answer.text
