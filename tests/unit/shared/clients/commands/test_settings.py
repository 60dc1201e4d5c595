"""Where the services are: options before environment before defaults."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.clients.commands.settings import ClientSettings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for field in ClientSettings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)


def test_this_machine_by_default() -> None:
    settings = ClientSettings()
    assert settings.asr.url == "http://127.0.0.1:8001"
    assert settings.tts.url == "http://127.0.0.1:8002"
    assert settings.orchestrator.url == "http://127.0.0.1:8000"
    assert settings.asr.headers == {}


def test_the_ports_of_a_stack_started_with_other_ones(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ASR_PORT=9001\nTTS_PORT=9002\nORCHESTRATOR_PORT=9000\n")
    settings = ClientSettings()
    assert settings.asr.url.endswith(":9001")
    assert settings.tts.url.endswith(":9002")
    assert settings.orchestrator.url.endswith(":9000")


def test_addresses_and_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_TTS_URL", "https://voice.example/tts")
    monkeypatch.setenv("PARLEY_API_KEY", "mine")
    monkeypatch.setenv("API_KEYS", "theirs,others")
    settings = ClientSettings()
    assert settings.tts.websocket("/ws") == "wss://voice.example/tts/ws"
    assert settings.tts.headers == {"Authorization": "Bearer mine"}


def test_the_stacks_own_key_where_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEYS", "first,second")
    assert ClientSettings().asr.headers == {"Authorization": "Bearer first"}


def test_options_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_ASR_URL", "http://environment:1")
    settings = ClientSettings(asr_url="http://option:1", key=SecretStr("k"))
    assert settings.asr.url == "http://option:1"
