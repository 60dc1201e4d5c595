"""What every TTS engine owes the pipeline, whatever stands behind it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import numpy as np
import pytest

from services.tts.config import TtsSettings
from services.tts.engines.base import SAMPLE_RATE, Engine, SpeechChunk, SpeechRequest
from services.tts.engines.registry import ENGINES
from shared.errors import NotFound, ParleyError
from shared.scheduling.metrics import Unobserved
from tests.instant_tts import InstantEngine
from tests.models import small_kokoro
from tests.speech_servers import KEY, speech_server

TEXT = "Hello there, this is a sentence (of some length)."


def made(name: str, folder: Path, url: str) -> Engine:
    """The engine of the registry, its weights and its server being ours."""
    settings = TtsSettings.model_validate(
        {
            "TTS_KOKORO_MODEL": str(folder / "model.onnx"),
            "TTS_KOKORO_VOICES": str(folder / "voices.bin"),
            "TTS_THREADS": 1,
            "TTS_REMOTE_URL": url,
            "TTS_REMOTE_KEY": KEY,
        }
    )
    row = ENGINES[name]
    assert row.lacking(settings) is None
    return row.make(settings, Unobserved(), "a test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kokoro")
    small_kokoro.write(folder)
    return folder


@pytest.fixture(params=["espeak", "kokoro", "openai", "elevenlabs", "instant"])
async def engine(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Engine]:
    async with AsyncExitStack() as stack:
        server = stack.enter_context(speech_server())
        name = str(request.param)
        engine = InstantEngine() if name == "instant" else made(name, folder, server.url)
        await engine.start()
        stack.push_async_callback(engine.aclose)
        yield engine


async def speak(engine: Engine, text: str, **options: object) -> list[SpeechChunk]:
    wanted: dict[str, object] = {"voice_id": engine.info.default_voice, **options}
    async with aclosing(engine.speak(SpeechRequest(text, **wanted))) as chunks:  # type: ignore[arg-type]
        return [chunk async for chunk in chunks]


async def test_it_says_what_it_is(engine: Engine) -> None:
    info = engine.info
    assert info.name
    assert info.model
    assert info.default_voice in {voice.voice_id for voice in info.voices}
    assert info.capacity >= 1
    assert info.max_chars >= 100
    slowest, fastest = info.native_speeds
    assert slowest <= 1 <= fastest


async def test_its_sound_is_float_mono_within_bounds(engine: Engine) -> None:
    samples = np.concatenate([chunk.samples for chunk in await speak(engine, TEXT)])
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert 0.3 < len(samples) / SAMPLE_RATE < 30
    assert np.isfinite(samples).all()
    assert 0.001 < float(np.abs(samples).max()) <= 1.0


async def test_its_words_are_the_texts_and_in_order(engine: Engine) -> None:
    chunks = await speak(engine, TEXT)
    words = [word for chunk in chunks for word in chunk.words]
    seconds = sum(len(chunk.samples) for chunk in chunks) / SAMPLE_RATE
    assert [TEXT[w.text_start : w.text_end].strip("(),.") for w in words] == [
        "Hello", "there", "this", "is", "a", "sentence", "of", "some", "length",
    ]  # fmt: skip
    assert [word.start for word in words] == sorted(word.start for word in words)
    assert all(0 <= word.start <= word.end for word in words)
    assert words[-1].start <= seconds + 0.001


async def test_leaving_early_leaves_it_able(engine: Engine) -> None:
    async with aclosing(engine.speak(SpeechRequest(TEXT * 3, engine.info.default_voice))) as chunks:
        await anext(chunks)
    async with asyncio.timeout(10):
        assert await speak(engine, "Again.")


async def test_several_speak_at_once(engine: Engine) -> None:
    alone = sum(len(chunk.samples) for chunk in await speak(engine, TEXT))
    many = await asyncio.gather(*(speak(engine, TEXT) for _ in range(4)))
    for chunks in many:
        assert sum(len(chunk.samples) for chunk in chunks) == pytest.approx(alone, rel=0.05)


async def test_a_cancelled_task_takes_its_request_with_it(engine: Engine) -> None:
    task = asyncio.create_task(speak(engine, TEXT * 3))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await speak(engine, "Again.")


async def test_an_unknown_voice_is_not_found(engine: Engine) -> None:
    if engine.info.name == "instant":
        pytest.skip("it hums for everybody")
    for _ in range(5):  # a client's mistake is no failure of the engine: no breaker opens
        with pytest.raises(NotFound):
            await speak(engine, TEXT, voice_id="nobody-at-all")
    assert await speak(engine, "Again.")


@pytest.mark.parametrize("text", ["a", "1", "?", "ÄÖÜ ß", "日本", "a\tb", "x" * 100])
async def test_odd_text_ends(engine: Engine, text: str) -> None:
    async with asyncio.timeout(20):
        await speak(engine, text)


async def test_native_speed_changes_the_length(engine: Engine) -> None:
    if engine.info.name not in ("espeak", "kokoro"):
        pytest.skip("the server at the other end is ours")
    slow, fast = [
        sum(len(chunk.samples) for chunk in await speak(engine, TEXT, speed=speed))
        for speed in engine.info.native_speeds
    ]
    assert slow > 2 * fast


async def test_forgetting_a_voice_that_is_not_there_is_nothing(engine: Engine) -> None:
    await engine.forget("nobody-at-all")


async def test_after_its_end_it_refuses(folder: Path) -> None:
    makers: list[Callable[[], Engine]] = [
        lambda: made("espeak", folder, ""),
        lambda: made("kokoro", folder, ""),
    ]
    for make in makers:
        engine = make()
        await engine.start()
        voice = engine.info.default_voice
        await engine.aclose()
        with pytest.raises(ParleyError):
            await anext(engine.speak(SpeechRequest("Hello", voice)))
