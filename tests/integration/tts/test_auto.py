"""What `auto` takes where there is nothing better, and how it tells; what is named must load."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import async_playwright
from websockets.asyncio.client import connect

from tests.doubles.silent_servers import silent_server
from tests.running.process import free_port, launch
from tests.running.service import ServiceProcess

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def fallen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service whose weights lie on a server that takes connections and says nothing."""
    folder = tmp_path_factory.mktemp("tts")
    with silent_server() as release:
        environ = {
            "TTS_ENGINE": "auto",
            "TTS_KOKORO_URL": release,
            "TTS_KOKORO_MODEL": str(folder / "model.onnx"),
            "TTS_KOKORO_VOICES": str(folder / "voices.bin"),
            "TTS_VOICE_DIR": str(folder / "voices"),
        }
        with ServiceProcess("tts", **environ) as service:
            yield service


def tells(reason: str) -> bool:
    """Whether it says what was tried, why it was given up, and what to set."""
    parts = ("chatterbox: no", "kokoro:", "did not answer within 3 s", "TTS_KOKORO_MODEL")
    return all(part in reason for part in parts)


def test_a_fallback_is_one_line_in_the_log(fallen: ServiceProcess) -> None:
    [line] = [json.loads(line) for line in fallen.log if "did not answer" in line]
    assert line["engine"] == "espeak"
    assert tells(line["reason"])


async def test_a_fallback_is_told_by_health_and_ready(fallen: ServiceProcess) -> None:
    async with httpx.AsyncClient(base_url=fallen.url, trust_env=False) as http:
        engine = (await http.get("/health")).json()["engine"]
    async with connect(fallen.ws, proxy=None) as socket:
        ready = json.loads(await socket.recv())
    assert engine["name"] == ready["engine"] == "espeak"
    assert tells(engine["reason"])
    assert ready["reason"] == engine["reason"]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install Debian's chromium")
async def test_a_fallback_is_told_by_the_page(fallen: ServiceProcess) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        await page.goto(fallen.url)
        await page.locator("#engine", has_text="espeak").wait_for()
        assert tells(await page.locator("#reason").inner_text())
        await browser.close()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"TTS_ENGINE": "kokoro", "TTS_KOKORO_URL": "off", "TTS_KOKORO_MODEL": "/no/such/file"},
         "TTS_ENGINE=kokoro: no file /no/such/file; set TTS_KOKORO_MODEL"),
        ({"TTS_ENGINE": "openai"}, "TTS_ENGINE=openai: no key; set TTS_UPSTREAM_KEY"),
        ({"TTS_ENGINE": "elevenlabs"}, "TTS_ENGINE=elevenlabs: no key; set TTS_UPSTREAM_KEY"),
        ({"TTS_ENGINE": "chatterbox", "TTS_MODEL_DIR": "/no/such/folder"}, "chatterbox"),
    ],
)  # fmt: skip
async def test_an_engine_asked_for_by_name_stops_the_service(
    settings: dict[str, str], told: str
) -> None:
    """Chatterbox says what it lacks: its packages here, a file where they are installed."""
    environ = {**settings, "TTS_PORT": str(free_port())}
    code, said = await (await launch("-m", "services.tts", env=environ)).ended(timeout_s=60)
    assert code == 1
    assert told in said
    assert "Traceback" not in said


async def test_a_folder_for_voices_that_cannot_be_one_stops_the_service(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = str(tmp_path / "file" / "voices")
    environ = {"TTS_ENGINE": "espeak", "TTS_VOICE_DIR": folder, "TTS_PORT": str(free_port())}
    code, said = await (await launch("-m", "services.tts", env=environ)).ended(timeout_s=60)
    assert code == 1
    assert f"TTS_VOICE_DIR={folder}: Not a directory; set it to a folder" in said
    assert "Traceback" not in said
