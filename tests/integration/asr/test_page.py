"""The page at ``/`` in a real browser: a dropped file, a microphone, a refusal."""

import shutil
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from shared.audio.pcm import Samples, to_levels
from tests.audio.speech import speech
from tests.integration.asr.client import client
from tests.integration.asr.watching import get, until_places_taken
from tests.running.process import Process, service

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install Debian's chromium"),
]


def write_wav(path: Path, samples: Samples) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(to_levels(samples).tobytes())
    return path


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of silence, a sentence, and silence again."""
    hush = np.zeros(16_000, np.float32)
    said = speech("I would like to book a flight to Paris on Monday.")
    audio = np.concatenate([hush, said, hush, hush])
    return write_wav(tmp_path_factory.mktemp("sound") / "booking.wav", audio)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_place() -> AsyncIterator[Process]:
    """A service with room for one, around the instant engine."""
    environ = {"LOG_LEVEL": "ERROR", "ASR_MAX_CONNECTIONS": "1"}
    async with service(
        "-m", "tests.doubles.instant_asr", port_variable="ASR_PORT", env=environ
    ) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(recording: Path) -> AsyncIterator[Browser]:
    """A browser whose microphone plays the recording."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={recording}",
            ],
        )
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, one_place: Process) -> AsyncIterator[Page]:
    """The page, freshly opened; an error in it fails the test."""
    wrong: list[str] = []
    opened = await browser.new_page()
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    await opened.goto(one_place.http)
    yield opened
    await opened.close()
    await until_places_taken(one_place, 0)
    assert wrong == []


async def test_a_file_becomes_words_with_times(page: Page, recording: Path) -> None:
    assert await page.text_content("#engine") is not None
    await page.set_input_files("#file", recording)
    word = page.locator(".word").first

    title = await word.get_attribute("title", timeout=20_000)

    assert title is not None
    assert " s, 90 % sure" in title
    assert await page.locator(".unsure").count() == 0
    await word.click()
    assert await page.evaluate("document.getElementById('player').currentTime") >= 0.5
    await page.check("#times")
    assert await page.locator("#segments.times .word[data-start]").count() > 4


async def test_nothing_sticks_out_on_a_phone(page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    for summary in await page.locator("summary").all():
        await summary.click()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360


async def test_the_microphone_is_heard_until_it_is_stopped(page: Page) -> None:
    await page.click("#talk")
    await page.locator(".word").first.wait_for(timeout=30_000)
    assert await page.get_attribute("#talk", "aria-pressed") == "true"

    await page.click("#talk")

    await page.locator("#talk[aria-pressed=false]").wait_for()
    await page.click("#clear")
    assert await page.locator("#segments li").count() == 0


async def test_a_file_that_is_no_sound_is_named(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no sound")

    await page.set_input_files("#file", file)

    await page.locator("#notice", has_text="notes.txt is no sound file").wait_for()


async def test_a_full_service_is_told_of(page: Page, one_place: Process, recording: Path) -> None:
    async with client(one_place.ws):
        await page.set_input_files("#file", recording)

        await page.locator("#notice", has_text="all 1 places are taken").wait_for()


async def test_everything_comes_from_the_service_itself(page: Page, one_place: Process) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    await page.reload()

    assert len(asked) >= 6
    assert all(url.startswith((one_place.http, "data:")) for url in asked)
    assert (await get(one_place, "/")).json()["name"] == "parley-asr"
