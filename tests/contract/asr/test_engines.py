"""What every ASR engine owes the pipeline, whatever stands behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from importlib import import_module

import numpy as np
import pytest
from websockets.asyncio.server import serve

from services.asr.config import AsrSettings
from services.asr.engines.base import Engine, Samples, TranscribeOptions, Transcript
from services.asr.engines.registry import MODULES
from services.asr.metrics import AsrMetrics
from shared.errors import ParleyError
from tests.audio.speech import speech
from tests.doubles.asr_engine import InstantEngine
from tests.doubles.upstream_asr import DeepgramServer, OpenAIServer, openai_served
from tests.models.tiny_whisper.evaluate import WEIGHTS

OPTIONS = TranscribeOptions("en", owner="somebody")
NAMES = ("instant", *MODULES)


async def settings(name: str, stack: AsyncExitStack) -> AsrSettings:
    """The weights and the servers being ours."""
    url: str | None = None
    model = "auto"
    if name == "whisper":
        model = str(WEIGHTS)
    elif name == "openai":
        url = (await stack.enter_async_context(openai_served(OpenAIServer()))).url
    elif name == "deepgram":
        server = DeepgramServer()
        listener = await stack.enter_async_context(
            serve(server.handle, "127.0.0.1", 0, process_request=server.check)
        )
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    return AsrSettings.model_validate(
        {
            "ASR_MODEL": model,
            "ASR_DEVICE": "cpu",
            "ASR_THREADS": 1,
            "ASR_SPHINX_DECODERS": 2,
            "ASR_UPSTREAM_URL": url or None,
            "ASR_UPSTREAM_KEY": "k",
        }
    )


@pytest.fixture(params=NAMES)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    name = str(request.param)
    async with AsyncExitStack() as stack:
        chosen = await settings(name, stack)
        if name == "instant":
            engine: Engine = InstantEngine()
        else:
            module = import_module(MODULES[name])
            engine = module.load(chosen, AsrMetrics(), reason="a test")
        await engine.start()
        stack.push_async_callback(engine.aclose)
        yield engine


@pytest.fixture(scope="module")
def sound() -> Samples:
    said = speech("my flight number is seven two nine")
    return np.concatenate([said, np.zeros(4_000, np.float32)])


def check(found: Transcript, seconds: float) -> None:
    """A transcript keeps to its own words and to its audio."""
    assert found.text == found.text.strip()
    times = [time for word in found.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert all(0 <= time <= seconds + 0.1 for time in times)
    assert all(0 <= word.confidence <= 1 for word in found.words)
    assert all(word.word and word.word == word.word.strip() for word in found.words)
    assert 0 <= found.confidence <= 1


async def test_it_says_what_it_is(engine: Engine) -> None:
    info = engine.info
    assert info.name in NAMES
    assert info.model
    assert info.capacity >= 1
    assert info.capabilities <= {
        "partials",
        "words",
        "prompt",
        "detect_language",
        "translate",
        "temperature",
        "logprobs",
    }


async def test_a_turn_has_a_final_that_is_made_once(engine: Engine, sound: Samples) -> None:
    utterance = engine.open(OPTIONS)
    for at in range(0, len(sound), 8_000):
        utterance.feed(sound[at : at + 8_000])
        partial = await utterance.partial()
        if partial is not None:
            check(partial, (at + 8_000) / 16_000)
    final = await utterance.final()
    check(final, len(sound) / 16_000)
    assert final.text
    assert await utterance.final() == final
    await utterance.aclose()


async def test_what_is_settled_is_not_said_again(engine: Engine, sound: Samples) -> None:
    utterance = engine.open(OPTIONS)
    utterance.feed(sound)
    first = await utterance.final()
    middle = len(sound) / 32_000
    utterance.settle(middle)
    rest = await utterance.final()
    check(rest, len(sound) / 16_000)
    assert len(rest.words) <= len(first.words)
    assert all(word.end > middle for word in rest.words)
    await utterance.aclose()


async def test_nothing_fed_is_nothing_said(engine: Engine) -> None:
    utterance = engine.open(OPTIONS)
    assert (await utterance.final()).text == ""
    await utterance.aclose()


async def test_turns_of_many_connections_do_not_mix(engine: Engine, sound: Samples) -> None:
    async def turn(index: int) -> Transcript:
        utterance = engine.open(TranscribeOptions("en", owner=str(index)))
        utterance.feed(sound)
        try:
            return await utterance.final()
        finally:
            await utterance.aclose()

    found = await asyncio.gather(*map(turn, range(4)))
    assert len({each.text for each in found}) == 1


async def test_a_turn_can_be_dropped_at_any_time(engine: Engine, sound: Samples) -> None:
    utterance = engine.open(OPTIONS)
    await utterance.aclose()
    utterance = engine.open(OPTIONS)
    utterance.feed(sound)
    asking = asyncio.create_task(utterance.final())
    await asyncio.sleep(0)
    await utterance.aclose()
    asking.cancel()
    results = await asyncio.gather(asking, return_exceptions=True)
    assert isinstance(results[0], (Transcript, ParleyError, asyncio.CancelledError))
    other = engine.open(OPTIONS)
    other.feed(sound)
    assert (await other.final()).text
    await other.aclose()
