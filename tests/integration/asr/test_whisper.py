"""The whole service on Whisper with real weights: live, many at once, long, and as files."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import lru_cache
from itertools import pairwise

import httpx
import numpy as np
import pytest
import pytest_asyncio

from shared.audio.pcm import Samples
from tests.audio.sounds import sound_file
from tests.audio.speech import speech
from tests.integration.asr.client import check_order, client
from tests.models.tiny_whisper.evaluate import WEIGHTS, errors
from tests.running.process import Process, service

pytestmark = pytest.mark.asyncio(loop_scope="module")
RATE = 16_000
SENTENCES = (
    "my flight number is seven two nine",
    "what's the weather like in Paris",
    "hello my name is Laura",
    "okay good morning",
    "yes please",
    "no thank you",
)
ENVIRON = {
    "ASR_ENGINE": "whisper",
    "ASR_MODEL": str(WEIGHTS),
    "ASR_THREADS": "1",
    "ASR_CAPACITY": "30",
    "ASR_SHORT_WINDOWS": "4,8",
    "ASR_SMART_TURN": "off",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whisper() -> AsyncIterator[Process]:
    """With the model that the project trained itself."""
    async with service("-m", "services.asr", port_variable="ASR_PORT", env=ENVIRON) as running:
        yield running


def wrong(said: str, heard: str) -> int:
    return errors(said.split(), heard.split())


def with_pauses(sentences: Sequence[str], pause_s: float) -> Samples:
    pause = np.zeros(int(pause_s * RATE), np.float32)
    parts = [pause[:4_000], *(part for text in sentences for part in (speech(text), pause))]
    return np.concatenate(parts)


@lru_cache
def said_alone(text: str) -> Samples:
    return with_pauses([text], 1.2)


async def final_of(whisper: Process, text: str) -> str:
    sound = said_alone(text)  # made first: who connects and asks for nothing is cut off
    async with client(whisper.ws, language="en") as listening:
        await listening.say(sound)
        await listening.finish(within_s=60)
    return " ".join(final["text"] for final in listening.finals())


async def test_a_sentence_is_heard_as_it_is_said(whisper: Process) -> None:
    async with client(whisper.ws, language="en") as listening:
        sound = with_pauses(SENTENCES[:1], 2.0)
        await listening.say(sound[: RATE * 3 // 2])
        await listening.next("partial")
        await listening.say(sound[RATE * 3 // 2 :])
        events = await listening.finish(within_s=60)
    check_order(events)
    (final,) = listening.finals()
    assert wrong(SENTENCES[0], final["text"]) <= 1
    assert final["language"] == "en"
    assert [word["word"] for word in final["words"]] == final["text"].split()
    times = [time for word in final["words"] for time in (word["start"], word["end"])]
    assert times == sorted(times)
    assert final["start"] <= times[0]
    assert times[-1] <= final["end"] + 0.01
    stable = [event["stable"] for event in events if event["type"] == "partial"]
    for shorter, longer in pairwise(stable):
        assert longer.startswith(shorter)


@pytest.mark.timeout(180)
async def test_thirty_speak_at_once_and_each_is_heard(whisper: Process) -> None:
    said = [SENTENCES[index % len(SENTENCES)] for index in range(30)]
    for text in SENTENCES:
        said_alone(text)
    heard = await asyncio.gather(*(final_of(whisper, text) for text in said))
    total = sum(wrong(text, found) for text, found in zip(said, heard, strict=True))
    assert total <= 0.1 * sum(len(text.split()) for text in said)
    for text in SENTENCES:
        assert len({heard[n] for n in range(30) if said[n] == text}) == 1


@pytest.mark.parametrize("kind", ["silence", "noise", "hum", "click"])
async def test_what_is_no_speech_has_no_words(whisper: Process, kind: str) -> None:
    count = 5 * RATE
    sounds = {
        "silence": np.zeros(count, np.float32),
        "noise": np.random.default_rng(0).standard_normal(count) * 0.05,
        "hum": 0.2 * np.sin(2 * np.pi * 100 * np.arange(count) / RATE),
        "click": (np.arange(count) % RATE == 0) * 0.9,
    }
    async with client(whisper.ws) as listening:
        await listening.say(sounds[kind].astype(np.float32))
        await listening.finish(within_s=60)
    assert "".join(final["text"] for final in listening.finals()) == ""


async def test_a_file_says_the_same_as_the_stream(whisper: Process) -> None:
    sound = with_pauses(SENTENCES, 2.5)
    async with httpx.AsyncClient(base_url=whisper.http, trust_env=False, timeout=60) as http:
        answer = await http.post(
            "/v1/audio/transcriptions",
            data={"model": "whisper-1", "response_format": "verbose_json", "language": "en"},
            files={"file": ("a.flac", sound_file("flac", sound, RATE))},
        )
    found = answer.json()
    async with client(whisper.ws, language="en") as listening:
        await listening.say(sound)
        await listening.finish(within_s=60)
    streamed = " ".join(final["text"] for final in listening.finals())
    words = " ".join(SENTENCES)
    assert wrong(words, found["text"]) <= 0.15 * len(words.split())
    assert wrong(found["text"], streamed) <= 0.15 * len(words.split())
    assert found["segments"][-1]["end"] <= found["duration"]


async def test_several_files_and_a_live_speaker_share_the_model(whisper: Process) -> None:
    sound = sound_file("flac", with_pauses(SENTENCES[:4], 2.5), RATE)

    async def text_of_a_file(http: httpx.AsyncClient) -> str:
        fields, files = {"model": "whisper-1"}, {"file": ("a.flac", sound)}
        answer = await http.post("/v1/audio/transcriptions", data=fields, files=files)
        return str(answer.json()["text"])

    async with httpx.AsyncClient(base_url=whisper.http, trust_env=False, timeout=90) as http:
        one, other, live = await asyncio.gather(
            text_of_a_file(http), text_of_a_file(http), final_of(whisper, SENTENCES[1])
        )
    assert one == other
    assert wrong(SENTENCES[1], live) <= 1
