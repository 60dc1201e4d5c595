"""``/ws`` of the real service, with real speech."""

import json
from itertools import pairwise

import numpy as np
import pytest

from shared.audio.pcm import Encoding, Samples
from shared.audio.resample import resample
from tests.audio.recordings import load, needs_recordings
from tests.audio.speech import speech
from tests.integration.asr.client import check_order, client
from tests.running.process import Process

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECORDING = "vap-phrases-synthetic/bike_long_female_en-US-Wavenet-G.wav"
"""Did you come here by bike this morning?"""


@pytest.fixture(scope="module")
def phrase() -> Samples:
    """Speech of which PocketSphinx understands at least the weather."""
    hush = np.zeros(4_000, np.float32)
    return np.concatenate([hush, speech("what is the weather today", "en-us", 160)])


@needs_recordings
async def test_a_recording_becomes_its_text(sphinx: Process) -> None:
    async with client(sphinx.ws, language="en") as listening:
        await listening.say(load(RECORDING))
        await listening.send(type="silence", ms=1500)
        events = await listening.finish()

    check_order(events)
    (final,) = listening.finals()
    text = final["text"].split()
    assert {"bike", "this", "morning"} <= set(text)
    assert [word["word"] for word in final["words"]] == text
    assert 0 <= final["start"] < final["end"] <= 2.2
    starts = [word["start"] for word in final["words"]]
    assert starts == sorted(starts)
    assert listening.socket.close_code == 1000


async def test_ready_tells_the_limits(sphinx: Process) -> None:
    async with client(sphinx.ws) as listening:
        ready = listening.heard[0]

    assert ready["engine"] == "sphinx"
    assert ready["limits"]["max_connections"] == 30
    assert set(ready["capabilities"]) == {"partials", "words"}


async def test_partials_grow_and_the_pause_brings_a_candidate(
    sphinx: Process, phrase: Samples
) -> None:
    async with client(sphinx.ws, vad={"semantic": False}) as listening:
        await listening.say(phrase[:24_000])
        await listening.next("partial")
        await listening.say(phrase[24_000:])
        await listening.silence(0.4)
        candidate = await listening.next("candidate")
        await listening.silence(1.0)
        final = await listening.next("final")

    stable = [event["stable"] for event in listening.heard if event["type"] == "partial"]
    for shorter, longer in pairwise(stable):
        assert longer.startswith(shorter)
    assert candidate["text"] == final["text"]


@pytest.mark.parametrize(
    ("encoding", "rate", "channels"),
    [
        (Encoding.S16LE, 48_000, 2),
        (Encoding.F32LE, 24_000, 1),
        (Encoding.MULAW, 8_000, 1),
        (Encoding.ALAW, 8_000, 2),
    ],
)
async def test_every_format_says_the_same(
    sphinx: Process, phrase: Samples, encoding: Encoding, rate: int, channels: int
) -> None:
    samples = resample(phrase, 16_000, rate)
    config = {"sample_rate": rate, "encoding": encoding.value, "channels": channels}
    async with client(sphinx.ws, **config) as listening:
        await listening.say(np.repeat(samples, channels), encoding)
        await listening.finish()

    (final,) = listening.finals()
    assert abs(final["start"] - 0.25) < 0.25
    assert abs(final["end"] - len(phrase) / 16_000) < 0.35
    if rate > 8_000:  # the model is one of wide-band speech
        assert "weather" in final["text"]


async def test_words_and_partials_can_be_left_out(sphinx: Process, phrase: Samples) -> None:
    async with client(sphinx.ws, words=False, partials=False) as listening:
        await listening.say(phrase)
        events = await listening.finish()

    assert all("words" not in event or event["words"] == [] for event in events)
    assert not [event for event in events if event["type"] == "partial"]


async def test_push_to_talk_ends_by_flush(sphinx: Process, phrase: Samples) -> None:
    async with client(sphinx.ws, vad={"enabled": False}) as listening:
        await listening.say(phrase)
        await listening.silence(3)
        await listening.send(type="flush")
        await listening.next("final")

        (ended,) = [event for event in listening.heard if event["type"] == "turn_end"]
        assert ended["reason"] == "flush"
        assert "weather" in listening.finals()[0]["text"]


async def test_push_to_talk_makes_no_words_of_noise(sphinx: Process) -> None:
    noise = np.random.default_rng(3).standard_normal(48_000).astype(np.float32) * 0.05
    async with client(sphinx.ws, vad={"enabled": False}) as listening:
        await listening.say(noise)
        await listening.send(type="flush")
        await listening.next("final")

    assert listening.finals()[0]["text"] == ""
    assert not [event for event in listening.heard if event["type"] == "partial"]


async def test_what_the_engine_lacks_is_warned_of(sphinx: Process) -> None:
    async with client(sphinx.ws, language="de", model="large-v3") as listening:
        codes = {(await listening.next("warning"))["code"] for _ in range(2)}

    assert codes == {"unsupported_option", "model_substituted"}


async def test_the_seeds_config_is_taken_as_it_stands(sphinx: Process) -> None:
    text = '{"type": "config", "sample_rate": 16000, "language": "en", "model": "large-v3"}'
    async with client(sphinx.ws) as listening:
        await listening.socket.send(text)

        assert json.loads(text)["model"] in (await listening.next("warning"))["message"]
