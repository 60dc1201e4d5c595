"""The TTS service's settings: what is accepted, and what stops it."""

import base64

import pytest

from services.tts.config import TtsSettings
from shared.config import BadSettings, load

KEY = base64.b64encode(bytes(32)).decode()


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No `.env` of the person who runs the tests."""
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))


def loaded(monkeypatch: pytest.MonkeyPatch, **environ: str) -> TtsSettings:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return load(TtsSettings, environ)


def test_lists_and_pairs_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(
        monkeypatch, TTS_VOICE_ALIASES="nova=annie, onyx=en-gb", TTS_UPSTREAM_VOICES="a, b"
    )
    assert settings.voice_aliases == {"nova": "annie", "onyx": "en-gb"}
    assert settings.upstream_voices == ("a", "b")


def test_the_address_that_others_read_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(monkeypatch, TTS_URL="http://127.0.0.1:8002").port == 8002


def test_a_voice_key_is_thirty_two_bytes_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEY not in repr(loaded(monkeypatch, TTS_VOICE_KEY=KEY))
    with pytest.raises(BadSettings, match=r"TTS_VOICE_KEY=\*+: .*openssl rand") as caught:
        loaded(monkeypatch, TTS_VOICE_KEY="c2hvcnQ=")
    assert "c2hvcnQ=" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("TTS_ENGINE", "festival", "espeak"),
        ("TTS_VOICE_ALIASES", "nova", "name=voice"),
        ("TTS_MAX_CONNECTIONS", "0", "greater"),
        ("TTS_UNSENT_S", "much", "number"),
        ("TTS_VOICE_KYE", "x", "did you mean TTS_VOICE_KEY"),
        ("TTS_REMOTE_KEY", "x", "no such setting; it is TTS_UPSTREAM_KEY now"),
        ("TTS_REMOTE_TIMEOUT_S", "3", "no such setting; it is TTS_UPSTREAM_TIMEOUT_S now"),
        ("TTS_REMOTE_UNSENT_S", "3", "did you mean TTS_UNSENT_S"),
    ],
)
def test_a_bad_setting_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    with pytest.raises(BadSettings, match=name) as caught:
        loaded(monkeypatch, **{name: value})
    assert told in str(caught.value)
