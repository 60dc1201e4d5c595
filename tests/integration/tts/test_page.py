"""The page at `/` in a real browser: speaking, stopping, a voice of one's own, all by keyboard."""

import shutil
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from services.tts.engines.base import SAMPLE_RATE
from tests.running.service import ServiceProcess

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install Debian's chromium"),
]


@pytest.fixture(scope="module")
def recording(speech: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "reference.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((speech * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def instant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    folder = str(tmp_path_factory.mktemp("voices"))
    with ServiceProcess("tts", module="tests.doubles.instant_tts", TTS_VOICE_DIR=folder) as service:
        yield service


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(recording: Path) -> AsyncIterator[Browser]:
    """A browser whose microphone plays the recording over and over."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--autoplay-policy=no-user-gesture-required",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={recording}",
            ],
        )
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, instant: ServiceProcess) -> AsyncIterator[Page]:
    """The page, freshly opened; an error in it fails the test."""
    wrong: list[str] = []
    opened = await browser.new_page()
    opened.set_default_timeout(20_000)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    await opened.goto(instant.url)
    await opened.locator("#voice option").first.wait_for(state="attached")
    yield opened
    await opened.close()
    assert wrong == []


async def test_it_speaks_by_keyboard_and_says_how_fast(page: Page) -> None:
    assert "instant" in str(await page.text_content("#engine"))
    await page.fill("#text", "Some words for $3.50, spoken.")
    await page.keyboard.press("Control+Enter")
    await page.locator("#save:not([hidden])").wait_for()
    assert str(await page.text_content("#first")).endswith(" ms")
    assert float(str(await page.text_content("#factor"))) < 1
    words = await page.locator("#said .word").all_text_contents()
    assert words == ["Some", "words", "for", "$3.50", "spoken."]
    await page.locator("#said .word.spoken").nth(2).wait_for()
    async with page.expect_download() as saving:
        await page.click("#save")
    saved = await (await saving.value).path()
    with wave.open(str(saved)) as file:
        assert file.getframerate() == SAMPLE_RATE
        assert file.getnframes() > SAMPLE_RATE
    await page.keyboard.press("Escape")
    await page.locator("#stop:disabled").wait_for()


async def test_nothing_sticks_out_on_a_phone(page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    for summary in await page.locator("summary").all():
        await summary.click()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360


async def test_what_the_service_refuses_is_told(page: Page) -> None:
    await page.fill("#text", "   ")
    await page.click("#speak")
    await page.locator("#notice", has_text="empty").wait_for()
    await page.fill("#text", "Well then.")
    await page.click("#speak")
    await page.locator("#save:not([hidden])").wait_for()


async def test_a_voice_is_registered_with_consent_only_used_and_deleted(
    page: Page, recording: Path
) -> None:
    await page.click("#own summary")
    await page.set_input_files("#reference", recording)
    await page.fill("#name", "my-voice")
    await page.click("#register")
    await page.locator("#notice", has_text="consent").wait_for()
    await page.check("#consent")
    await page.click("#register")
    await page.locator("#notice", has_text="my-voice is registered").wait_for()
    assert await page.input_value("#voice") == "my-voice"
    await page.click("#speak")
    await page.locator("#save:not([hidden])").wait_for()
    await page.click("#forget")
    await page.locator("#notice", has_text="my-voice is deleted").wait_for()
    assert await page.input_value("#voice") == "hum"


async def test_a_voice_is_recorded(page: Page) -> None:
    await page.click("#own summary")
    await page.click("#record")
    await page.locator("#taken", has_text="5.").wait_for()
    await page.click("#record")
    await page.locator("#heard:not([hidden])").wait_for()
    await page.fill("#name", "recorded")
    await page.check("#consent")
    await page.click("#register")
    await page.locator("#notice", has_text="recorded is registered").wait_for()
