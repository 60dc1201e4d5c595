"""What every TTS engine owes the pipeline, whatever stands behind it.

A folder of tests takes the suite over with `import *` and brings the fixture ``engine``, a
started one. Chatterbox does so in an environment of its own, so nothing else is imported here.
"""

import asyncio
from contextlib import aclosing

import numpy as np
import pytest

from services.tts.engines.base import SAMPLE_RATE, Engine, SpeechChunk, SpeechRequest
from shared.errors import NotFound, ParleyError

TEXT = "Hello there, this is a sentence (of some length)."
PATIENCE_S = 100
"""What hangs is found by this; a busy machine is not."""
SPEAKING_FAST_AND_SLOW = ("espeak", "kokoro")
CLOSING = ("espeak", "kokoro", "chatterbox")
"""Engines that hold a model, so that there is something to be closed."""


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
    async with asyncio.timeout(PATIENCE_S):
        assert await speak(engine, "Again.")


async def test_several_speak_at_once(engine: Engine) -> None:
    alone = sum(len(chunk.samples) for chunk in await speak(engine, TEXT, seed=1))
    many = await asyncio.gather(*(speak(engine, TEXT, seed=1) for _ in range(4)))
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
    async with asyncio.timeout(PATIENCE_S):
        await speak(engine, text)


async def test_native_speed_changes_the_length(engine: Engine) -> None:
    if engine.info.name not in SPEAKING_FAST_AND_SLOW:
        pytest.skip("it has no speed of its own, or the server at the other end is ours")
    slow, fast = [
        sum(len(chunk.samples) for chunk in await speak(engine, TEXT, speed=speed))
        for speed in engine.info.native_speeds
    ]
    assert slow > 2 * fast


async def test_forgetting_a_voice_that_is_not_there_is_nothing(engine: Engine) -> None:
    await engine.forget("nobody-at-all")


async def test_after_its_end_it_refuses(engine: Engine) -> None:
    if engine.info.name not in CLOSING:
        pytest.skip("it holds no model")
    voice = engine.info.default_voice
    await engine.aclose()
    with pytest.raises(ParleyError):
        await anext(engine.speak(SpeechRequest("Hello", voice)))
