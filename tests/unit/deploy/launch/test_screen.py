from typing import Any

from deploy.launch import screen
from deploy.launch.settings import load

HOW: dict[str, Any] = {"python": ".venv/bin/python", "logs": "out/logs", "seconds": 3.21}
HEALTH = {"engine": {"name": "sphinx", "model": "en-us", "reason": "no Whisper weights on disk"}}

CONVERSATION = {"engine": "direct", "reason": "LLM_BASE_URL is not set"}


def test_it_shows_addresses_engines_reasons_and_what_to_try() -> None:
    healths: dict[str, dict[str, Any]] = {"asr": HEALTH, "orchestrator": CONVERSATION, "tts": {}}
    shown = screen.ready(load({}), healths, **HOW)
    lines = shown.splitlines()
    assert "Parley is ready after 3.2 s." in lines
    assert "  asr           http://127.0.0.1:8001  sphinx en-us" in lines
    assert "                no Whisper weights on disk" in lines
    assert "  orchestrator  http://127.0.0.1:8000  direct" in lines
    assert "                LLM_BASE_URL is not set" in lines
    assert "  tts           http://127.0.0.1:8002" in lines
    assert any(line.startswith("  .venv/bin/python -m shared.clients say") for line in lines)
    assert len(lines) < 24


def test_a_long_reason_is_broken_between_words_under_its_address() -> None:
    reason = "the best that runs here; " + "; ".join(f"engine-{n}: no weights" for n in range(12))
    shown = screen.ready(load({}), {"tts": {"engine": {"name": "espeak", "reason": reason}}}, **HOW)
    lines = [line for line in shown.splitlines() if "no weights" in line]
    assert " ".join(line.strip() for line in lines) == reason
    assert all(len(line) <= 100 and line.startswith(" " * 16) for line in lines)


def test_a_redis_that_does_not_answer_is_told_where_it_is_missed() -> None:
    for healthy in (True, False):
        redis = {"enabled": True, "healthy": healthy}
        shown = screen.ready(load({}), {"orchestrator": {**CONVERSATION, "redis": redis}}, **HOW)
        assert ("warning: Redis does not answer" in shown) is not healthy
    off = {**CONVERSATION, "redis": {"enabled": False, "healthy": False}}
    assert "Redis" not in screen.ready(load({}), {"orchestrator": off}, **HOW)


def test_logs_that_are_already_shown_are_not_pointed_to() -> None:
    assert "out/logs" in screen.ready(load({}), {}, **HOW)
    assert "out/logs" not in screen.ready(load({"LOGS": "1"}), {}, **HOW)


def test_only_a_host_that_others_reach_is_warned_of() -> None:
    assert screen.warning(load({})) == ""
    assert "set API_KEYS" in screen.warning(load({"HOST": "0.0.0.0"}))
    assert "set API_KEYS" not in screen.warning(load({"HOST": "0.0.0.0", "API_KEYS": "k"}))


def test_the_command_line_is_told_where_services_are_that_moved() -> None:
    assert "export" not in screen.ready(load({}), {}, **HOW)
    moved = screen.ready(load({"TTS_PORT": "9002", "API_KEYS": "secret"}), {}, **HOW)
    assert "  export PARLEY_TTS_URL=http://127.0.0.1:9002\n" in moved
    assert "  export PARLEY_API_KEY=KEY\n" in moved
    assert "PARLEY_ASR_URL" not in moved
    assert "secret" not in moved
