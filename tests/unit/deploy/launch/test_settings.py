from pathlib import Path

import pytest

from deploy.launch.settings import load, with_dotenv
from deploy.problem import Problem


def test_the_defaults_are_three_ports_on_this_machine_alone() -> None:
    settings = load({})
    assert dict(settings.ports) == {"asr": 8001, "tts": 8002, "orchestrator": 8000}
    assert settings.url("asr") == "http://127.0.0.1:8001"
    assert not settings.exposed
    assert not settings.pass_logs


@pytest.mark.parametrize("value", ["eighty", "0", "65536", "-1", "8 000", "٨٠"])
def test_a_port_that_is_none_is_named_with_its_value(value: str) -> None:
    with pytest.raises(Problem, match=r"TTS_PORT=.* is not a port") as caught:
        load({"TTS_PORT": value})
    assert repr(value) in caught.value.what


def test_two_services_cannot_share_a_port() -> None:
    with pytest.raises(Problem, match="ASR_PORT and ORCHESTRATOR_PORT are both 8000"):
        load({"ASR_PORT": "8000"})


@pytest.mark.parametrize(
    ("host", "exposed", "url"),
    [
        ("localhost", False, "http://localhost:8002"),
        ("::1", False, "http://[::1]:8002"),
        ("0.0.0.0", True, "http://127.0.0.1:8002"),
        ("::", True, "http://[::1]:8002"),
        ("10.1.2.3", True, "http://10.1.2.3:8002"),
        ("voice.lan", True, "http://voice.lan:8002"),
    ],
)
def test_a_host_is_reached_from_here_and_known_to_be_exposed(
    host: str, exposed: bool, url: str
) -> None:
    settings = load({"HOST": host})
    assert settings.exposed is exposed
    assert settings.url("tts") == url


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# ports\nexport ASR_PORT='9001'\nTTS_PORT=9002\n\nnot a line\n#HOST=::\n")
    merged = with_dotenv({"TTS_PORT": "7002"}, path)
    assert merged == {"ASR_PORT": "9001", "TTS_PORT": "7002"}
    assert with_dotenv({"A": "b"}, tmp_path / "none") == {"A": "b"}
