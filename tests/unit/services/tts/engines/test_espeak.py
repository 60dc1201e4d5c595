"""espeak-ng behind the seam: the real library."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import numpy as np
import pytest

from services.tts.engines.base import SAMPLE_RATE, SpeechChunk, SpeechRequest
from services.tts.engines.clausewise import ClauseEngine
from services.tts.engines.espeak import espeak_engine, iso_639_1
from shared.errors import EngineUnavailable, InvalidRequest, NotFound


@pytest.fixture
async def engine() -> AsyncIterator[ClauseEngine]:
    engine = espeak_engine()
    await engine.start()
    yield engine
    await engine.aclose()


async def speak(engine: ClauseEngine, text: str, **options: object) -> SpeechChunk:
    request = SpeechRequest(text, **{"voice_id": "en-us", **options})  # type: ignore[arg-type]
    async with aclosing(engine.speak(request)) as chunks:
        return await anext(chunks)


async def test_words_have_times_and_offsets(engine: ClauseEngine) -> None:
    text = "Hello world, state-of-the-art (again)!"
    chunk = await speak(engine, text)
    assert [word.word for word in chunk.words] == ["Hello", "world", "state-of-the-art", "again"]
    assert all(text[word.text_start : word.text_end] == word.word for word in chunk.words)
    assert all(one.end <= two.start for one, two in zip(chunk.words, chunk.words[1:], strict=False))
    assert chunk.words[-1].end == pytest.approx(len(chunk.samples) / SAMPLE_RATE, abs=0.001)


async def test_it_sounds(engine: ClauseEngine) -> None:
    chunk = await speak(engine, "This is a sentence of some length.")
    assert chunk.samples.dtype == np.float32
    assert 1.0 < len(chunk.samples) / SAMPLE_RATE < 4.0
    assert 0.01 < float(np.sqrt(np.mean(chunk.samples**2))) < 0.5
    assert float(np.abs(chunk.samples).max()) <= 1.0


async def test_speed_is_native(engine: ClauseEngine) -> None:
    slow = await speak(engine, "one two three four five six seven", speed=0.5)
    fast = await speak(engine, "one two three four five six seven", speed=2.0)
    assert len(slow.samples) > 2.5 * len(fast.samples)


@pytest.mark.parametrize(
    "options",
    [{"voice_id": "de"}, {"language": "fr"}, {"language": "pt-BR"}, {"voice_id": "annie"}],
)
async def test_voices_and_languages_sound_different(
    engine: ClauseEngine, options: dict[str, str]
) -> None:
    plain = await speak(engine, "The important information is in Germany.")
    other = await speak(engine, "The important information is in Germany.", **options)
    assert len(plain.samples) != len(other.samples)


async def test_an_unknown_voice_and_an_unknown_language_are_told(engine: ClauseEngine) -> None:
    with pytest.raises(NotFound, match="nobody"):
        await speak(engine, "Hello", voice_id="nobody")
    with pytest.raises(InvalidRequest, match="tlh"):
        await speak(engine, "Hello", language="tlh")
    assert len((await speak(engine, "Hello")).samples)


@pytest.mark.parametrize(
    "text", ["\ud800 lone", "a\0b", "\U0001f44d", "日本語のテキスト", "[[x]]", "<break/>"]
)
async def test_odd_text_is_survived(engine: ClauseEngine, text: str) -> None:
    chunk = await speak(engine, text)
    assert all(text[word.text_start : word.text_end] for word in chunk.words)


async def test_requests_share_the_one_library(engine: ClauseEngine) -> None:
    alone = [await speak(engine, f"number {n}") for n in range(4)]
    together = await asyncio.gather(*(speak(engine, f"number {n}") for n in range(4)))
    for one, other in zip(alone, together, strict=True):
        assert abs(len(one.samples) - len(other.samples)) < SAMPLE_RATE // 50
        assert [w.word for w in one.words] == [w.word for w in other.words]


async def test_an_engine_that_is_not_started_says_so() -> None:
    with pytest.raises(EngineUnavailable, match="not started"):
        await speak(espeak_engine(), "Hello")


def test_codes_become_languages() -> None:
    assert [iso_639_1(code) for code in ("en-gb-x-rp", "cmn", "de")] == ["en", "zh", "de"]


async def test_its_list_holds_languages_and_timbres(engine: ClauseEngine) -> None:
    ids = {voice.voice_id for voice in engine.info.voices}
    assert {"en-us", "de", "annie"} <= ids
    assert len(ids) == len(engine.info.voices) > 150
    assert {"en", "de", "zh"} <= set(engine.info.languages)
