"""Speaking over a reply, with a recogniser that knows words: a noise goes by, a word stops it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from shared.audio.pcm import Samples
from tests.audio.speech import speech
from tests.doubles.llm_server import ScriptedLlm, says
from tests.integration.orchestrator.client import Client, door
from tests.running.service import ServiceProcess

WEIGHTS = Path(__file__).parents[1] / "models" / "tiny_whisper" / "weights"
REPLY = (
    "There is a flight to Paris in the morning, ",
    "another one in the afternoon, and the last one leaves at nine in the evening.",
)
QUIET = np.zeros(16_000, np.float32)


@pytest.fixture(scope="module")
def neighbours() -> Iterator[tuple[str, str]]:
    """A Whisper that knows the words of a flight desk, and espeak-ng."""
    with ExitStack() as processes:
        model = {"ASR_ENGINE": "whisper", "ASR_MODEL": str(WEIGHTS), "ASR_THREADS": "1"}
        asr = ServiceProcess("asr", **model)
        tts = ServiceProcess("tts", TTS_ENGINE="espeak")
        started = [processes.enter_context(each) for each in (asr, tts)]
        yield started[0].url, started[1].url


@asynccontextmanager
async def answering(neighbours: tuple[str, str]) -> AsyncIterator[Client]:
    """A client to whom a long reply has just begun to speak."""
    asr, tts = neighbours
    async with ScriptedLlm(says(*REPLY)).running() as llm:
        urls = {"ASR_URL": asr, "TTS_URL": tts, "LLM_BASE_URL": llm.url}
        with ServiceProcess("orchestrator", **urls) as orchestrator:
            body = {"fillers": False, "sensitivity": 0.3}
            async with door(orchestrator.url) as house, house.talking(**body) as client:
                await client.send("text", text="when can I fly")
                await client.until("audio.start", 20.0)
                yield client


def noise(seconds: float) -> Samples:
    """Something like a cough."""
    rng = np.random.default_rng(7)
    count = round(seconds * 16_000)
    return np.asarray(0.2 * rng.standard_normal(count) * np.hanning(count), np.float32)


async def test_listening_noises_lose_nothing(neighbours: tuple[str, str]) -> None:
    sounds = [noise(0.25), speech("okay")]
    async with answering(neighbours) as client:
        for sound in sounds:
            await client.plays(np.concatenate([QUIET[:8000], sound, QUIET[:12_000]]), pace=True)
        done = await client.until("reply.done", 30.0)
    assert not done["interrupted"], client.kinds()
    end = next(event for event in client.events if event["type"] == "audio.end")
    assert "audio.clear" not in client.kinds()
    assert client.audio / 48 == pytest.approx(end["duration_ms"], abs=1)
    assert client.kinds().count("transcript") == 1
    assert client.kinds().count("audio.duck") == client.kinds().count("audio.resume")


async def test_a_word_with_a_meaning_stops_it(neighbours: tuple[str, str]) -> None:
    async with answering(neighbours) as client:
        await client.plays(np.concatenate([QUIET[:8000], speech("stop please")]), pace=True)
        await client.plays(QUIET)
        done = await client.until("reply.done", 30.0)
        assert done["interrupted"]
        assert "".join(REPLY).startswith(done["heard_text"])
        # The user has the assistant's voice here, so that one first syllable in ten looks like an
        # echo (of people's: one in 150); then no duck precedes the clear.
        assert "audio.clear" in client.kinds()
