"""Which engine `auto` takes, and what is told when it is not the best one."""

import logging
import sys
from pathlib import Path

import pytest

from services.tts.config import TtsSettings
from services.tts.engines.registry import started
from shared.errors import EngineUnavailable
from shared.scheduling.metrics import Unobserved
from tests.doubles.silent_servers import silent_server
from tests.models import small_kokoro


def settings(folder: Path, **more: str) -> TtsSettings:
    paths = {
        "TTS_KOKORO_MODEL": str(folder / "model.onnx"),
        "TTS_KOKORO_VOICES": str(folder / "voices.bin"),
        "TTS_KOKORO_URL": "off",
    }
    return TtsSettings.model_validate({**paths, **more})


async def test_auto_takes_kokoro_when_its_files_are_there(tmp_path: Path) -> None:
    small_kokoro.write(tmp_path)
    engine = await started(settings(tmp_path), Unobserved())
    assert engine.info.name == "kokoro"
    await engine.aclose()


async def test_a_fallback_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        engine = await started(settings(tmp_path), Unobserved())
    assert engine.info.name == "espeak"
    assert "TTS_KOKORO_MODEL" in engine.info.reason
    assert [record.message for record in caplog.records].count("engine chosen") == 1
    await engine.aclose()


async def test_a_release_server_that_is_not_there_is_passed_over(tmp_path: Path) -> None:
    engine = await started(settings(tmp_path, TTS_KOKORO_URL="http://127.0.0.1:9"), Unobserved())
    assert engine.info.name == "espeak"
    assert "cannot be had" in engine.info.reason
    await engine.aclose()


async def test_a_silent_release_server_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.knock.SILENCE_S", 0.2)
    with silent_server() as server:
        engine = await started(settings(tmp_path, TTS_KOKORO_URL=server), Unobserved())
    assert engine.info.name == "espeak"
    assert "did not answer within 0.2 s" in engine.info.reason
    await engine.aclose()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("kokoro", r"TTS_ENGINE=kokoro.*TTS_KOKORO_MODEL"),
        ("openai", r"TTS_ENGINE=openai: no key; set TTS_UPSTREAM_KEY"),
        ("elevenlabs", r"TTS_ENGINE=elevenlabs: no key; set TTS_UPSTREAM_KEY"),
    ],
)
async def test_an_engine_asked_for_by_name_must_load(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(EngineUnavailable, match=told):
        await started(settings(tmp_path, TTS_ENGINE=name), Unobserved())


async def test_a_package_that_is_missing_is_told_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    for module in ("espeak", "espeak_library"):
        monkeypatch.delitem(sys.modules, f"services.tts.engines.{module}", raising=False)
    with pytest.raises(EngineUnavailable, match=r"TTS_ENGINE=espeak: .*espeakng_loader.*install"):
        await started(settings(tmp_path, TTS_ENGINE="espeak"), Unobserved())
