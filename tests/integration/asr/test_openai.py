"""OpenAI's REST, used with the `openai` package as it is, against a real service process."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Any, cast

import httpx
import numpy as np
import openai
import psutil
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from shared.audio.pcm import Samples
from tests.audio.sounds import KINDS, sound_file
from tests.audio.speech import speech
from tests.models.random_whisper import write
from tests.running.service import ServiceProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
RATE = 16_000
ONCE: dict[str, Any] = {"language": "en", "temperature": 0.1}
"""Random weights fail every temperature; one try is enough."""


@pytest.fixture(scope="module")
def sound() -> Samples:
    """A sentence, three seconds of silence, another."""
    silence = np.zeros(3 * RATE, np.float32)
    first, second = speech("I would like to book a flight to London"), speech("good morning")
    return np.concatenate([silence[:RATE], first, silence, second, silence])


@pytest.fixture(scope="module")
def wav(sound: Samples) -> bytes:
    return sound_file("wav", sound, RATE)


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service with a random multilingual Whisper, keys, and small limits."""
    model = write(tmp_path_factory.mktemp("model") / "random")
    environ = {
        "ASR_ENGINE": "whisper",
        "ASR_MODEL": str(model),
        "ASR_COMPUTE_TYPE": "float32",
        "ASR_THREADS": "1",
        "ASR_SMART_TURN": "off",
        "ASR_MAX_DURATION": "10800",
        "ASR_MAX_UPLOAD_MB": "50",
        "API_KEYS": "sesame",
    }
    with ServiceProcess("asr", **environ) as service:
        yield service


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(whisper: ServiceProcess) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        base_url=f"{whisper.url}/v1", api_key="sesame", max_retries=0, timeout=60
    ) as client:
        yield client


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_every_container_is_read(client: AsyncOpenAI, sound: Samples, kind: str) -> None:
    upload = (f"speech.{kind}", sound_file(kind, sound, 48_000 if kind == "webm" else RATE))
    found = await client.audio.transcriptions.create(file=upload, model="whisper-1", **ONCE)
    assert isinstance(found.text, str)
    usage = cast("Any", found.usage)
    assert usage.type == "duration"


async def test_verbose_json_has_words_and_segments(client: AsyncOpenAI, wav: bytes) -> None:
    found = await client.audio.transcriptions.create(
        file=("speech.wav", wav),
        model="whisper-1",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        prompt="London, Paris",
        **ONCE,
    )
    assert found.language == "english"
    assert float(found.duration) == pytest.approx(len(wav) / 2 / RATE, abs=0.1)
    assert found.segments
    assert found.words
    edges = [edge for segment in found.segments for edge in (segment.start, segment.end)]
    assert edges == sorted(edges)
    assert max(edges) <= float(found.duration)
    assert found.segments[0].tokens
    assert [segment.id for segment in found.segments] == list(range(len(found.segments)))
    texts = "".join(segment.text for segment in found.segments)
    assert "".join(found.text.split()) == "".join(texts.split())


@pytest.mark.parametrize("granularity", ["word", "segment"])
async def test_only_the_granularity_that_is_asked_for(
    client: AsyncOpenAI, wav: bytes, granularity: Any
) -> None:
    found = await client.audio.transcriptions.create(
        file=("speech.wav", wav),
        model="whisper-1",
        response_format="verbose_json",
        timestamp_granularities=[granularity],
        **ONCE,
    )
    assert (found.words is not None) == (granularity == "word")
    assert (found.segments is not None) == (granularity == "segment")


async def test_text_srt_and_vtt(client: AsyncOpenAI, wav: bytes) -> None:
    async def made(format_: Any) -> str:
        found = await client.audio.transcriptions.create(
            file=("speech.wav", wav), model="whisper-1", response_format=format_, **ONCE
        )
        return str(found)

    plain, srt, vtt = [await made(each) for each in ("text", "srt", "vtt")]
    assert plain.endswith("\n")
    assert srt.startswith("1\n00:00:0")
    assert vtt.startswith("WEBVTT\n\n00:00:0")


async def test_streamed_deltas_add_up_to_the_text(client: AsyncOpenAI, wav: bytes) -> None:
    stream = await client.audio.transcriptions.create(
        file=("speech.wav", wav),
        model="gpt-4o-mini-transcribe",
        stream=True,
        **ONCE,
        include=["logprobs"],
    )
    events = [event async for event in stream]
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    last = events[-1]
    assert last.type == "transcript.text.done"
    assert len(deltas) == 2
    assert "".join(deltas) == last.text
    assert last.logprobs


async def test_log_probabilities_of_tokens(client: AsyncOpenAI, wav: bytes) -> None:
    found = await client.audio.transcriptions.create(
        file=("speech.wav", wav),
        model="gpt-4o-transcribe",
        include=["logprobs"],
        temperature=0.2,
        chunking_strategy="auto",
    )
    assert found.logprobs
    assert all((each.logprob or 0) <= 0 for each in found.logprobs)


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
async def test_translations(client: AsyncOpenAI, wav: bytes) -> None:
    found = await client.audio.translations.create(
        file=("speech.wav", wav), model="whisper-1", temperature=0.1
    )
    assert found.text


async def test_models_and_their_aliases(client: AsyncOpenAI) -> None:
    models = {model.id: model async for model in client.models.list()}
    assert {"random", "whisper-1", "gpt-4o-transcribe", "default"} <= models.keys()
    assert cast("Any", models["whisper-1"]).alias_of == "random"
    assert (await client.models.retrieve("whisper-1")).id == "whisper-1"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("gpt-9")


SMALL = sound_file("wav", np.zeros(RATE, np.float32), RATE)


@pytest.mark.parametrize(
    ("fields", "error", "param"),
    [
        ({"model": "no-such-model"}, openai.NotFoundError, "model"),
        ({"language": "klingon"}, openai.BadRequestError, "language"),
        ({"temperature": 3}, openai.BadRequestError, "temperature"),
        ({"response_format": "docx"}, openai.BadRequestError, "response_format"),
        ({"timestamp_granularities": ["word"]}, openai.BadRequestError, "timestamp_granularities"),
        ({"include": ["thoughts"]}, openai.BadRequestError, "include"),
        ({"file": ("empty.wav", b"")}, openai.BadRequestError, "file"),
        ({"file": ("text.wav", b"this is a text, whatever its name " * 99)}, None, "file"),
        ({"file": ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/a.mp3\n")}, None, "file"),
        ({"file": ("list.txt", b"ffconcat version 1.0\nfile /etc/passwd\n")}, None, "file"),
    ],
)
async def test_a_bad_request_is_the_right_exception(
    client: AsyncOpenAI, fields: dict[str, Any], error: type[openai.APIStatusError], param: str
) -> None:
    request = {"file": ("silence.wav", SMALL), "model": "whisper-1", **fields}
    with pytest.raises(error or openai.BadRequestError) as raised:
        await client.audio.transcriptions.create(**request)
    assert raised.value.param == param


async def test_a_wrong_key_is_an_authentication_error(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.AuthenticationError):
        await client.with_options(api_key="wrong").models.list()


async def test_a_truncated_mp3_gives_what_it_holds(client: AsyncOpenAI, sound: Samples) -> None:
    data = sound_file("mp3", sound, RATE)
    found = await client.audio.transcriptions.create(
        file=("cut.mp3", data[: len(data) // 2]), model="whisper-1", **ONCE
    )
    assert found.text


async def test_of_a_video_the_sound_is_read(client: AsyncOpenAI, sound: Samples) -> None:
    data = sound_file("mp4", sound, RATE, video=True)
    found = await client.audio.transcriptions.create(
        file=("video.mp4", data), model="whisper-1", **ONCE
    )
    assert found.text


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_upload_is_refused_by_its_size(
    whisper: ServiceProcess, client: AsyncOpenAI, chunked: bool
) -> None:
    before = whisper.memory()
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        head = 'Content-Disposition: form-data; name="file"; filename="a.wav"'
        start = f"--x\r\n{head}\r\n\r\n".encode()
        yield start + bytes(1_000_000 - len(start))
        for _ in range(199):
            sent += 1
            yield bytes(1_000_000)

    async with httpx.AsyncClient(base_url=whisper.url, trust_env=False, timeout=60) as http:
        headers = {
            "Authorization": "Bearer sesame",
            "Content-Type": "multipart/form-data; boundary=x",
            **({} if chunked else {"Content-Length": "200000000"}),
        }
        answer = await http.post("/v1/audio/transcriptions", content=body(), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"
    assert sent == 199
    assert whisper.memory() - before < 100e6
    with pytest.raises(openai.APIStatusError) as raised:
        await client.audio.transcriptions.create(
            file=("large.wav", bytes(60_000_000)), model="whisper-1"
        )
    assert raised.value.status_code == 413


def silent_flac(seconds: int) -> bytes:
    """Hours of digital silence in kilobytes: FLAC's own bomb."""
    return sound_file("flac", np.zeros(seconds * 4_000, np.float32), 4_000)


@pytest.mark.timeout(180)
async def test_three_hours_of_silence_are_an_empty_text_in_little_memory(
    whisper: ServiceProcess, client: AsyncOpenAI
) -> None:
    data = silent_flac(10_800)
    process = psutil.Process(whisper.pid)
    before, most = process.memory_info().rss, 0
    work = asyncio.ensure_future(
        client.audio.transcriptions.create(
            file=("bomb.flac", data), model="whisper-1", response_format="verbose_json"
        )
    )
    while not work.done():
        most = max(most, process.memory_info().rss - before)
        await asyncio.wait({work}, timeout=0.1)
    found = await work
    assert found.text == ""
    assert float(found.duration) == pytest.approx(10_800, abs=0.1)
    assert most < 200e6


async def test_who_leaves_in_the_middle_frees_the_place(
    whisper: ServiceProcess, wav: bytes
) -> None:
    head = (
        "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\n"
        "Authorization: Bearer sesame\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {len(wav) + 1000}\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    )
    _, writer = await asyncio.open_connection("127.0.0.1", whisper.port)
    writer.write(head.encode() + wav[: len(wav) // 2])
    await writer.drain()
    await whisper.until_places_taken(1)
    writer.close()
    await whisper.until_places_taken(0)


async def test_who_leaves_during_the_work_stops_it(
    whisper: ServiceProcess, client: AsyncOpenAI, sound: Samples
) -> None:
    long = sound_file("flac", np.tile(sound, 120), RATE)
    began = time.monotonic()
    work = asyncio.ensure_future(
        client.audio.transcriptions.create(file=("long.flac", long), model="whisper-1")
    )
    await whisper.until_places_taken(1)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await whisper.until_places_taken(0)
    assert time.monotonic() - began < 60


async def test_unknown_fields_and_no_file(whisper: ServiceProcess) -> None:
    async with httpx.AsyncClient(base_url=whisper.url, trust_env=False) as http:
        headers = {"Authorization": "Bearer sesame"}
        path = "/v1/audio/transcriptions"
        odd = await http.post(
            path,
            headers=headers,
            data={"model": "whisper-1", "flavour": "salty"},
            files={"file": ("a.wav", BytesIO(SMALL))},
        )
        assert odd.json()["text"] == ""
        none = await http.post(path, headers=headers, data={"model": "whisper-1"}, files={"x": b""})
        assert none.status_code == 400
        plain = await http.post(path, headers=headers, json={"model": "whisper-1"})
        assert plain.status_code == 400
        broken = await http.post(
            path,
            headers={**headers, "Content-Type": "multipart/form-data; boundary=x"},
            content=b"no boundary at all",
        )
        assert broken.status_code == 400
        assert json.loads(broken.text)["error"]["type"] == "invalid_request_error"
        text = await http.post(path, headers=headers, files={"file": (None, "text")})
        assert text.json()["error"]["param"] == "file"
