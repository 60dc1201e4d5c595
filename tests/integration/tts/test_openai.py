"""OpenAI's REST with OpenAI's own client, unmodified, against the real service."""

import base64
import io
import json
import socket
import wave
from collections.abc import Iterator
from typing import Any, Literal

import av
import httpx
import numpy as np
import openai
import pytest

from shared.audio import encode as audio
from shared.audio.wav import UNKNOWN
from tests.audio import sounds
from tests.running.service import ServiceProcess

Format = Literal["mp3", "opus", "aac", "flac", "wav"]
TEXT = "Hello there. This is a test of the speech service, and it goes on for a while."


@pytest.fixture
def client(tts: ServiceProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{tts.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def decoded(data: bytes) -> np.ndarray:
    """All samples of an audio file, as its decoder gives them."""
    with av.open(io.BytesIO(data), "r") as container:
        frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
        rate = container.streams.audio[0].rate
    samples = np.concatenate(frames)
    assert rate in (24_000, 48_000)
    return samples[:: rate // 24_000]


@pytest.mark.parametrize("wanted", ["mp3", "opus", "aac", "flac", "wav"])
def test_every_format_is_spoken(client: openai.OpenAI, wanted: Format) -> None:
    answer = client.audio.speech.create(
        model="tts-1", voice="alloy", input=TEXT, response_format=wanted
    )
    samples = decoded(answer.content)
    assert 3.0 < len(samples) / 24_000 < 8.0
    assert float(np.std(samples.astype(np.float64))) > 0


@pytest.mark.parametrize("wanted", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_every_format_is_streamed(
    client: openai.OpenAI, wanted: Any, stream_format: Literal["audio", "sse"]
) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input=TEXT, response_format=wanted,
        stream_format=stream_format,
    ) as answer:  # fmt: skip
        parts = list(answer.iter_bytes())
    assert len(parts) > 3
    data = b"".join(parts) if stream_format == "audio" else audio_of(b"".join(parts))
    samples, rate = sounds.decoded(audio.Format(wanted), data)
    assert 3.0 < len(samples) / rate < 8.0


def audio_of(events: bytes) -> bytes:
    """The sound in server-sent events."""
    told = [json.loads(line[6:]) for line in events.splitlines() if line]
    return b"".join(base64.b64decode(event["audio"]) for event in told if "audio" in event)


def test_pcm_is_24_khz_s16le(client: openai.OpenAI) -> None:
    answer = client.audio.speech.create(
        model="gpt-4o-mini-tts", voice="marin", input=TEXT, response_format="pcm"
    )
    samples = np.frombuffer(answer.content, "<i2")
    assert 3.0 < len(samples) / 24_000 < 8.0
    assert answer.response.headers["content-type"] == "audio/pcm"


def test_a_streamed_wav_has_unknown_sizes_and_plays(client: openai.OpenAI) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="tts-1-hd", voice="nova", input=TEXT, response_format="wav"
    ) as answer:
        parts = list(answer.iter_bytes(4096))
    data = b"".join(parts)
    assert len(parts) > 3
    assert int.from_bytes(data[40:44], "little") == UNKNOWN
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)


def test_events_carry_the_audio_and_its_usage(tts: ServiceProcess) -> None:
    body = {"input": TEXT, "model": "tts-1", "voice": {"id": "alloy"}, "response_format": "pcm",
            "stream_format": "sse"}  # fmt: skip
    with httpx.stream("POST", f"{tts.url}/v1/audio/speech", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line]
    assert all(line.startswith("data: {") for line in lines)
    assert '"speech.audio.done"' in lines[-1]
    assert '"output_tokens"' in lines[-1]
    assert all('"speech.audio.delta"' in line for line in lines[:-1])


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_what_the_engine_leaves_out_is_named(tts: ServiceProcess, stream_format: str) -> None:
    body = {"input": "Hello.", "stream_format": stream_format, "language": "en", "mood": "gay"}
    plain = httpx.post(f"{tts.url}/v1/audio/speech", json=body)
    assert "x-parley-warnings" not in plain.headers
    tts.until_logged('"fields": ["mood"]')
    asked = httpx.post(f"{tts.url}/v1/audio/speech", json={**body, "instructions": "Whisper."})
    assert asked.headers["x-parley-warnings"] == "unsupported_option=instructions"
    other = httpx.post(f"{tts.url}/v1/audio/speech", json={**body, "model": "kokoro"})
    assert other.headers["x-parley-warnings"] == "model_substituted"
    assert httpx.get(f"{tts.url}/v1/models/kokoro").status_code == 404


def test_speed_changes_the_length(client: openai.OpenAI) -> None:
    lengths = [
        len(client.audio.speech.create(
            model="tts-1", voice="alloy", input=TEXT, response_format="pcm", speed=speed
        ).content)
        for speed in (0.25, 1.0, 4.0)
    ]  # fmt: skip
    assert lengths[0] > 3 * lengths[1] > 9 * lengths[2] * 0.7


def test_models_and_voices_show_what_aliases_mean(client: openai.OpenAI) -> None:
    models = {model.id: model for model in client.models.list()}
    assert {"tts-1", "gpt-4o-mini-tts", "espeak", "default"} <= set(models)
    assert client.models.retrieve("tts-1").id == "tts-1"
    answer = client.get("/audio/voices", cast_to=httpx.Response)
    rows = {row["id"]: row for row in answer.json()["data"]}
    assert rows["cedar"]["alias_of"] == "en-us"
    assert rows["fr-fr"]["languages"] == ["fr"]


@pytest.mark.parametrize(
    ("change", "kind", "param", "code"),
    [
        ({"input": ""}, openai.BadRequestError, "input", "invalid_request"),
        ({"input": " \n "}, openai.BadRequestError, "input", "invalid_request"),
        ({"input": "..."}, openai.BadRequestError, "input", "invalid_request"),
        ({"voice": "nobody"}, openai.NotFoundError, "voice", "not_found"),
        ({"voice": "../../etc/passwd"}, openai.NotFoundError, "voice", "not_found"),
        ({"model": "tts-9"}, openai.NotFoundError, "model", "not_found"),
        ({"speed": 0}, openai.BadRequestError, "speed", "invalid_request"),
        ({"speed": 9}, openai.BadRequestError, "speed", "invalid_request"),
        ({"response_format": "midi"}, openai.BadRequestError, "response_format", "invalid_request"),
        ({"extra_body": {"language": "tlh"}}, openai.BadRequestError, "language",
         "invalid_request"),
    ],
)  # fmt: skip
def test_a_bad_request_is_the_right_exception(
    client: openai.OpenAI,
    change: dict[str, Any],
    kind: type[openai.APIStatusError],
    param: str,
    code: str,
) -> None:
    with pytest.raises(kind) as caught:
        client.audio.speech.create(**{"model": "tts-1", "voice": "alloy", "input": TEXT, **change})
    assert caught.value.param == param
    assert caught.value.code == code


def test_a_hundred_thousand_characters_are_too_many(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.audio.speech.create(model="tts-1", voice="alloy", input="word " * 20_000)
    assert (caught.value.status_code, caught.value.code) == (413, "too_large")


def test_emoji_alone_are_named(client: openai.OpenAI) -> None:
    answer = client.audio.speech.create(
        model="tts-1", voice="alloy", input="👍🎉", response_format="pcm"
    )
    assert len(answer.content) / 48_000 > 0.5


@pytest.mark.parametrize("body", ["", "{", "[]", '{"input": 3}', '{"model": "tts-1"}'])
def test_a_body_that_is_no_request_is_told(tts: ServiceProcess, body: str) -> None:
    answer = httpx.post(f"{tts.url}/v1/audio/speech", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_huge_body_is_refused_by_its_size(tts: ServiceProcess) -> None:
    with socket.create_connection(("127.0.0.1", tts.port), timeout=10) as peer:
        peer.sendall(
            b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: 209715200\r\n\r\n{"
        )
        assert peer.recv(64).startswith(b"HTTP/1.1 413 ")


def test_unknown_models_paths_and_methods_are_told(
    tts: ServiceProcess, client: openai.OpenAI
) -> None:
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nothing")
    assert httpx.get(f"{tts.url}/v1/nothing").status_code == 404
    assert httpx.get(f"{tts.url}/v1/audio/speech").status_code == 405
