"""A recording through microphone, recogniser, dialogue and voice, all real."""

from typing import Any

import numpy as np
import pytest

from shared.audio.pcm import Encoding, Samples, decode
from shared.audio.resample import Resampler
from tests.audio import recordings
from tests.e2e.conftest import Stack
from tests.integration.orchestrator.client import Client, door

SILENCE = np.zeros(24_000, np.float32)


async def spoken(stack: Stack, text: str) -> Samples:
    """The text in the TTS service's own voice, at 16 kHz."""
    async with door(stack.tts.url) as tts:
        body = {"input": text, "model": "tts-1", "voice": "alloy", "response_format": "pcm"}
        answer = await tts.http.post("/v1/audio/speech", json=body)
        answer.raise_for_status()
    resampler = Resampler(24_000, 16_000)
    samples = resampler.feed(decode(answer.content, Encoding.S16LE))
    return np.concatenate([samples, resampler.flush()])


async def converse(client: Client, samples: Samples) -> dict[str, Any]:
    """Say it, and hear the reply to its end."""
    await client.plays(np.concatenate([samples, SILENCE, SILENCE]))
    return await client.until("metrics", 30.0)


async def test_what_is_said_is_said_back(stack: Stack) -> None:
    async with door(stack.orchestrator.url) as house, house.talking() as client:
        metrics = await converse(client, await spoken(stack, "Good morning, how are you today?"))
        told = {event["type"]: event for event in client.events}
        assert told["session"]["asr_engine"] == "sphinx"
        assert told["session"]["tts_engine"] == "espeak"
        assert told["transcript"]["text"]
        assert told["reply.done"]["text"] == f"This is what I heard: {told['transcript']['text']}"
        assert client.audio / 48 == pytest.approx(told["audio.end"]["duration_ms"], abs=1)
        assert client.audio > 48_000
        assert metrics["tts_first_chunk_ms"] < metrics["synthesis_ms"]  # speaks before it is made


async def test_speaking_over_the_reply_stops_it(stack: Stack) -> None:
    question = await spoken(stack, "Please read me the whole list of names, one after the other.")
    async with door(stack.orchestrator.url) as house, house.talking() as client:
        await client.plays(np.concatenate([question, SILENCE, SILENCE]))
        await client.until("audio.start", 20.0)
        await client.plays(await spoken(stack, "Stop, stop, that is not what I wanted."), pace=True)
        await client.plays(SILENCE)
        done = await client.until("reply.done", 20.0)
        assert done["interrupted"]
        assert len(done["heard_text"]) < len(done["text"])
        kinds = client.kinds()
        assert kinds.index("audio.duck") < kinds.index("audio.clear")


@recordings.needs_recordings
async def test_a_real_speaker_is_understood(stack: Stack) -> None:
    entry = next(iter(recordings.recordings("azure/en-US/testing-audio")), None)
    if entry is None:
        pytest.skip("that recording is missing")
    async with door(stack.orchestrator.url) as house, house.talking() as client:
        samples = recordings.load(entry["file"])[: 5 * 16_000]
        await client.plays(np.concatenate([samples, SILENCE, SILENCE]))
        await client.until("audio.start", 30.0)  # of the last turn, if the speaker made a pause
        assert "transcript" in client.kinds()
