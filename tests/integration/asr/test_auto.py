"""What `auto` takes where there are no weights and no hub, and how it tells."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import async_playwright
from websockets.asyncio.client import connect

from tests.doubles.model_hub import hub
from tests.doubles.silent_servers import silent_server
from tests.models.tiny_whisper.evaluate import WEIGHTS
from tests.running.process import free_port, launch, service
from tests.running.service import ServiceProcess

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def fallen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service that found no weights, and a hub that takes connections and says nothing."""
    with silent_server() as hub:
        environ = {
            "ASR_ENGINE": "auto",
            "HF_ENDPOINT": hub,
            "HF_HUB_CACHE": str(tmp_path_factory.mktemp("cache")),
            "HF_HUB_OFFLINE": "0",
            "ASR_SMART_TURN": "off",
        }
        with ServiceProcess("asr", **environ) as service:
            yield service


def tells(reason: str) -> bool:
    """Whether it says what was tried, why it was given up, and what to set."""
    return all(part in reason for part in ("whisper", "did not answer within 3 s", "ASR_MODEL"))


def test_a_fallback_is_one_line_in_the_log(fallen: ServiceProcess) -> None:
    [line] = [json.loads(line) for line in fallen.log if "did not answer" in line]
    assert (line["level"], line["engine"]) == ("WARNING", "sphinx")
    assert tells(line["reason"])


async def test_a_fallback_is_told_by_health_and_ready(fallen: ServiceProcess) -> None:
    async with httpx.AsyncClient(base_url=fallen.url, trust_env=False) as http:
        engine = (await http.get("/health")).json()["engine"]
    async with connect(fallen.ws, proxy=None) as socket:
        ready = json.loads(await socket.recv())
    assert engine["name"] == ready["engine"] == "sphinx"
    assert tells(engine["reason"])
    assert ready["reason"] == engine["reason"]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install Debian's chromium")
async def test_a_fallback_is_told_by_the_page(fallen: ServiceProcess) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        await page.goto(fallen.url)
        await page.locator("#engine", has_text="sphinx").wait_for()
        assert tells(await page.locator("#reason").inner_text())
        await browser.close()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"ASR_ENGINE": "whisper", "ASR_MODEL": "/no/such/folder"},
         "ASR_MODEL=/no/such/folder: neither a folder with model.bin"),
        ({"ASR_ENGINE": "whisper", "ASR_DEVICE": "cuda:9"}, "ASR_DEVICE=cuda:9"),
        ({"ASR_ENGINE": "sphinx", "ASR_SPHINX_DECODERS": "-1"}, "ASR_SPHINX_DECODERS"),
        ({"ASR_ENGINE": "openai", "ASR_UPSTREAM_URL": "http://127.0.0.1:1/v1"},
         "127.0.0.1: ConnectError; set ASR_UPSTREAM_URL"),
        ({"ASR_ENGINE": "deepgram"}, "ASR_UPSTREAM_KEY"),
    ],
)  # fmt: skip
async def test_an_engine_asked_for_by_name_stops_the_service(
    settings: dict[str, str], told: str
) -> None:
    code, said = await (
        await launch("-m", "services.asr", env={**settings, "ASR_PORT": str(free_port())})
    ).ended(timeout_s=60)
    assert code in (1, 2)
    assert told in said
    assert "Traceback" not in said


async def test_weights_come_from_the_hub_once_and_then_from_its_cache(tmp_path: Path) -> None:
    env = {
        "ASR_ENGINE": "whisper",
        "ASR_MODEL": "us/tiny",
        "ASR_THREADS": "1",
        "ASR_SMART_TURN": "off",
        "HF_HUB_CACHE": str(tmp_path),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }

    async def loaded(address: str) -> str:
        environ = {**env, "HF_ENDPOINT": address}
        async with (
            service("-m", "services.asr", port_variable="ASR_PORT", env=environ) as running,
            httpx.AsyncClient(base_url=running.http, trust_env=False) as http,
        ):
            return str((await http.get("/health")).json()["engine"]["model"])

    async with hub("us/tiny", WEIGHTS) as (address, asked):
        assert await loaded(address) == "tiny"
        assert any(path.endswith("/model.bin") for path in asked)
    assert await loaded("http://127.0.0.1:1") == "tiny"
