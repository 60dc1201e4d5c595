"""The contract suite on the engines that the development environment can run.

Chatterbox keeps the same contract in tests/chatterbox/test_contract.py.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from services.tts.config import TtsSettings
from services.tts.engines.base import Engine
from services.tts.engines.registry import ENGINES
from shared.scheduling.metrics import Unobserved
from tests.contract.tts.suite import *  # noqa: F403
from tests.doubles.instant_tts import InstantEngine
from tests.doubles.upstream_tts import KEY, speech_server
from tests.models import small_kokoro


def made(name: str, folder: Path, url: str) -> Engine:
    """The engine of the registry, its weights and its server being ours."""
    settings = TtsSettings.model_validate(
        {
            "TTS_KOKORO_MODEL": str(folder / "model.onnx"),
            "TTS_KOKORO_VOICES": str(folder / "voices.bin"),
            "TTS_THREADS": 1,
            "TTS_UPSTREAM_URL": url,
            "TTS_UPSTREAM_KEY": KEY,
        }
    )
    row = ENGINES[name]
    assert row.lacking(settings) is None
    return row.make(settings, Unobserved(), "a test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kokoro")
    small_kokoro.write(folder)
    return folder


@pytest.fixture(params=["espeak", "kokoro", "openai", "elevenlabs", "instant"])
async def engine(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Engine]:
    async with AsyncExitStack() as stack:
        server = stack.enter_context(speech_server())
        name = str(request.param)
        engine = InstantEngine() if name == "instant" else made(name, folder, server.url)
        await engine.start()
        stack.push_async_callback(engine.aclose)
        yield engine
