"""One real TTS service for the tests of this folder."""

from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from services.tts.engines.base import SAMPLE_RATE
from tests.running.service import ServiceProcess


@pytest.fixture(scope="session")
def tts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    folder = str(tmp_path_factory.mktemp("voices"))
    with ServiceProcess("tts", TTS_ENGINE="espeak", TTS_VOICE_DIR=folder) as service:
        yield service


@pytest.fixture(scope="session")
def quick() -> Iterator[ServiceProcess]:
    """One that loses patience with dead peers within six seconds instead of forty."""
    patience = {"PING_INTERVAL_S": "1.5", "PEER_TIMEOUT_S": "6"}
    with ServiceProcess("tts", TTS_ENGINE="espeak", **patience) as service:
        yield service


@pytest.fixture(scope="session")
def speech(tts: ServiceProcess) -> np.ndarray:
    """Seven seconds of speech, as espeak makes it: float32 at 24 kHz."""
    text = "The quick brown fox jumps over the lazy dog. " * 3
    body = {"input": text, "voice": "alloy", "response_format": "pcm"}
    data = httpx.post(f"{tts.url}/v1/audio/speech", json=body, timeout=30).content
    samples = np.frombuffer(data, "<i2").astype(np.float32) / 32768
    assert 5 * SAMPLE_RATE < len(samples) < 20 * SAMPLE_RATE
    return samples
