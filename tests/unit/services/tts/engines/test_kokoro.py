"""Kokoro behind the seam: the real package and runtime around a small graph."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from services.tts.engines.base import SAMPLE_RATE, SpeechChunk, SpeechRequest
from services.tts.engines.clausewise import ClauseEngine
from services.tts.engines.kokoro import kokoro_engine, spoken_language
from services.tts.engines.kokoro_weights import MODEL, VOICES, Weights
from shared.errors import EngineUnavailable, InvalidRequest, NotFound
from tests.models import small_kokoro


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kokoro")
    small_kokoro.write(folder, voices=("af_heart", "bf_emma", "ff_siwis"))
    return folder


def weights(folder: Path, url: str = "") -> Weights:
    return Weights(folder / "model.onnx", folder / "voices.bin", url)


@pytest.fixture
async def engine(files: Path) -> AsyncIterator[ClauseEngine]:
    engine = kokoro_engine(weights(files), threads=1)
    await engine.start()
    yield engine
    await engine.aclose()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def speak(engine: ClauseEngine, text: str, **options: object) -> SpeechChunk:
    request = SpeechRequest(text, **{"voice_id": "af_heart", **options})  # type: ignore[arg-type]
    async with aclosing(engine.speak(request)) as chunks:
        return await anext(chunks)


async def test_it_sounds_and_its_words_are_estimated(engine: ClauseEngine) -> None:
    text = "Hello there, world."
    chunk = await speak(engine, text)
    assert chunk.samples.dtype == np.float32
    assert 0.2 < len(chunk.samples) / SAMPLE_RATE < 5
    assert [word.word for word in chunk.words] == ["Hello", "there", "world"]
    assert all(word.estimated for word in chunk.words)
    assert chunk.words[-1].end == pytest.approx(len(chunk.samples) / SAMPLE_RATE)


async def test_a_graph_with_durations_tells_the_words(tmp_path: Path) -> None:
    small_kokoro.write(tmp_path, durations=True)
    engine = kokoro_engine(weights(tmp_path), threads=1)
    await engine.start()
    chunk = await speak(engine, "Hello there world")
    assert "word_times" in engine.info.capabilities
    assert [(word.word, word.estimated) for word in chunk.words] == [
        ("Hello", False), ("there", False), ("world", False),
    ]  # fmt: skip
    await engine.aclose()


async def test_speed_is_native_within_its_range(engine: ClauseEngine) -> None:
    slow = await speak(engine, "one two three four", speed=0.5)
    fast = await speak(engine, "one two three four", speed=2.0)
    assert len(slow.samples) > 2.5 * len(fast.samples)
    assert engine.info.native_speeds == (0.5, 2.0)


async def test_voices_and_languages_are_listed(engine: ClauseEngine) -> None:
    voices = {voice.voice_id: voice.languages for voice in engine.info.voices}
    assert voices == {"af_heart": ("en",), "bf_emma": ("en",), "ff_siwis": ("fr",)}
    assert engine.info.default_voice == "af_heart"
    assert engine.info.capacity == 4


async def test_what_is_not_there_is_told(engine: ClauseEngine) -> None:
    with pytest.raises(NotFound):
        await speak(engine, "Hello", voice_id="nobody")
    with pytest.raises(InvalidRequest):
        await speak(engine, "Hello", language="de")


async def test_text_without_a_phoneme_is_silence(engine: ClauseEngine) -> None:
    assert not len((await speak(engine, " ")).samples)


def test_a_voice_speaks_its_own_language_or_the_one_asked_for() -> None:
    assert spoken_language("bf_emma", None) == "en-gb"
    assert spoken_language("bf_emma", "en-US") == "en-gb"
    assert spoken_language("af_heart", "pt") == "pt-br"


@pytest.fixture
def release(files: Path) -> Iterator[str]:
    """A release server with the small files."""
    names = {f"/{MODEL}": files / "model.onnx", f"/{VOICES}": files / "voices.bin"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = names[self.path].read_bytes() if self.path in names else b""
            self.send_response(200 if data else 404)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def test_missing_files_are_downloaded_once(tmp_path: Path, release: str) -> None:
    engine = kokoro_engine(weights(tmp_path / "new", release), threads=1)
    await engine.start()
    assert len((await speak(engine, "Hello")).samples)
    assert names(tmp_path / "new") == ["model.onnx", "voices.bin"]
    await engine.aclose()


async def test_a_release_that_lacks_the_file_is_told(tmp_path: Path, release: str) -> None:
    engine = kokoro_engine(weights(tmp_path, f"{release}/elsewhere"), threads=1)
    with pytest.raises(EngineUnavailable, match=r"404.*TTS_KOKORO_MODEL"):
        await engine.start()
    assert names(tmp_path) == []


async def test_no_file_and_no_address_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="TTS_KOKORO_MODEL"):
        await kokoro_engine(weights(tmp_path), threads=1).start()


async def test_files_that_are_something_else_are_told(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a graph")
    (tmp_path / "voices.bin").write_bytes(b"not voices")
    with pytest.raises(EngineUnavailable, match="cannot load"):
        await kokoro_engine(weights(tmp_path), threads=1).start()
