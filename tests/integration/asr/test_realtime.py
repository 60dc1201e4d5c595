"""Realtime transcription with the `openai` package's own client, against a real process."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
import websockets
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from shared.audio.pcm import Encoding, Samples, encode
from shared.audio.resample import resample
from tests.audio.speech import speech
from tests.running.process import Process

pytestmark = pytest.mark.asyncio(loop_scope="module")
EMPTY = "input_audio_buffer_commit_empty"
PREFIX = "conversation.item.input_audio_transcription."


@asynccontextmanager
async def connected(service: Process, **query: str) -> AsyncIterator[AsyncRealtimeConnection]:
    async with (
        AsyncOpenAI(base_url=f"{service.http}/v1", api_key="any") as client,
        client.realtime.connect(extra_query={"intent": "transcription", **query}) as connection,
    ):
        yield connection


def spoken(text: str, seconds_after: float = 1.5) -> Samples:
    silence = np.zeros(int(seconds_after * 16_000), np.float32)
    return np.concatenate([silence[:4_000], speech(text), silence])


async def say(connection: AsyncRealtimeConnection, samples: Samples, rate: int = 24_000) -> None:
    encoding = Encoding.S16LE if rate == 24_000 else Encoding.MULAW
    data = encode(resample(samples, 16_000, rate), encoding)
    for at in range(0, len(data), 9_600):
        audio = base64.b64encode(data[at : at + 9_600]).decode()
        await connection.input_audio_buffer.append(audio=audio)


async def until(connection: AsyncRealtimeConnection, kind: str) -> list[Any]:
    """All events up to the first of this kind."""
    events: list[Any] = []
    async with asyncio.timeout(30):
        while not events or events[-1].type != kind:
            events.append(await connection.recv())
    return events


async def test_speech_becomes_deltas_and_a_transcript(sphinx: Process) -> None:
    async with connected(sphinx) as connection:
        created = await connection.recv()
        assert created.type == "session.created"
        assert created.session.type == "transcription"
        await connection.session.update(
            session={
                "type": "transcription",
                "audio": {
                    "input": {
                        "transcription": {"model": "gpt-4o-transcribe", "language": "en"},
                        "turn_detection": {"type": "server_vad", "silence_duration_ms": 400},
                    }
                },
            }
        )
        updated = (await until(connection, "session.updated"))[-1]
        assert updated.session.audio.input.transcription.language == "en"
        await say(connection, spoken("this is a test of the number seven"))
        events = await until(connection, PREFIX + "completed")
        deltas = [event.delta for event in events if event.type == PREFIX + "delta"]
        done = events[-1]
        assert done.transcript
        assert done.transcript.startswith("".join(deltas)) or deltas
        assert done.usage.type == "duration"
        kinds = [event.type for event in events if event.type != PREFIX + "delta"]
        assert kinds == [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            PREFIX + "completed",
        ]
        items = {event.item_id for event in events if hasattr(event, "item_id")}
        assert items == {done.item_id}
        assert len({event.event_id for event in events}) == len(events)


async def test_turns_that_the_client_commits(instant: Process) -> None:
    async with connected(instant, model="whisper-1") as connection:
        await connection.recv()
        wishes: Any = {"format": {"type": "audio/pcmu"}, "turn_detection": None}
        await connection.session.update(
            session={"type": "transcription", "audio": {"input": wishes}}
        )
        previous = None
        for _ in range(2):
            await say(connection, spoken("one two three", 0.2), 8_000)
            await connection.input_audio_buffer.commit()
            events = await until(connection, PREFIX + "completed")
            (committed,) = [e for e in events if e.type == "input_audio_buffer.committed"]
            assert committed.previous_item_id == previous
            previous = committed.item_id
            assert not [e for e in events if e.type.endswith("speech_started")]
            assert events[-1].transcript


async def test_what_was_committed_is_not_cleared(instant: Process) -> None:
    """Push-to-talk clients commit, and clear before the next press."""
    async with connected(instant) as connection:
        await connection.recv()
        wishes: Any = {"turn_detection": None}
        await connection.session.update(
            session={"type": "transcription", "audio": {"input": wishes}}
        )
        await until(connection, "session.updated")
        await say(connection, spoken("one two three", 0.2))
        await connection.input_audio_buffer.commit()
        await connection.input_audio_buffer.clear()
        events = await until(connection, PREFIX + "completed")

        assert {"input_audio_buffer.committed", "input_audio_buffer.cleared"} <= {
            event.type for event in events
        }
        assert len({event.item_id for event in events if hasattr(event, "item_id")}) == 1
        assert events[-1].transcript


async def test_a_cleared_buffer_is_forgotten(instant: Process) -> None:
    async with connected(instant) as connection:
        await connection.recv()
        await say(connection, spoken("one two three", 0.0))
        await connection.input_audio_buffer.clear()
        await until(connection, "input_audio_buffer.cleared")
        await connection.input_audio_buffer.commit()
        error = (await until(connection, "error"))[-1].error
        assert error.code == EMPTY
        assert "at least 100 ms" in error.message


async def test_a_commit_while_nobody_speaks_is_an_error_and_the_session_goes_on(
    instant: Process,
) -> None:
    """The server ends the turns; what is left between them is silence."""
    async with connected(instant) as connection:
        await connection.recv()
        await say(connection, np.zeros(16_000, np.float32))
        await connection.input_audio_buffer.commit(event_id="early")
        early = (await until(connection, "error"))[-1].error
        await say(connection, spoken("one two three", 2.0))
        await until(connection, PREFIX + "completed")
        await connection.input_audio_buffer.commit(event_id="late")
        late = (await until(connection, "error"))[-1].error
        await say(connection, spoken("one two three", 0.0))
        await connection.input_audio_buffer.commit(event_id="in time")
        events = await until(connection, PREFIX + "completed")

        told = [(error.type, error.code, error.event_id) for error in (early, late)]
        assert told == [("invalid_request_error", EMPTY, each) for each in ("early", "late")]
        assert "error" not in {event.type for event in events}
        assert events[-1].transcript


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("no json", "JSON"),
        ("[]", "event"),
        ("[" * 100_000, "JSON"),
        (json.dumps({"type": "response.create", "event_id": "mine"}), "unknown event type"),
        (json.dumps({"type": "input_audio_buffer.append", "audio": "%%%"}), "base64"),
        (json.dumps({"type": "input_audio_buffer.append"}), "audio"),
        (json.dumps({"type": "session.update", "session": {"type": "realtime"}}), "session.type"),
        (
            json.dumps(
                {
                    "type": "session.update",
                    "session": {"audio": {"input": {"transcription": {"model": "nothing"}}}},
                }
            ),
            "unknown model",
        ),
    ],
)
async def test_a_bad_event_is_an_error_and_the_session_goes_on(
    instant: Process, event: str, said: str
) -> None:
    async with websockets.connect(f"{instant.ws}/v1/realtime") as socket:
        assert json.loads(await socket.recv())["type"] == "session.created"
        await socket.send(event)
        told = json.loads(await socket.recv())
        assert told["type"] == "error"
        assert said in told["error"]["message"]
        assert told["error"]["event_id"] == ("mine" if "mine" in event else None)
        await socket.send(json.dumps({"type": "input_audio_buffer.clear", "odd": 1}))
        assert json.loads(await socket.recv())["type"] == "input_audio_buffer.cleared"


async def test_a_browser_names_the_subprotocol(instant: Process) -> None:
    protocols = [websockets.Subprotocol("realtime"), websockets.Subprotocol("openai-beta.x")]
    async with websockets.connect(f"{instant.ws}/v1/realtime", subprotocols=protocols) as socket:
        assert socket.subprotocol == "realtime"


async def test_an_unknown_model_is_refused_at_the_door(instant: Process) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(f"{instant.ws}/v1/realtime?model=nothing")
    assert refused.value.response.status_code == 404
