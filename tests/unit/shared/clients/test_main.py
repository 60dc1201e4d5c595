"""The command line's frame: help, wrong usage, bad settings."""

import asyncio

import pytest
from starlette.responses import JSONResponse

from shared.clients.__main__ import main
from tests.running.app import serving


@pytest.mark.parametrize("command", ["transcribe", "say", "voices", "talk"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"shared.clients {command}" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["sing"], ["say"], ["transcribe"]])
def test_wrong_usage_ends_with_two(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_bad_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTS_PORT", "many")
    assert main(["voices"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: TTS_PORT: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(("words", "hint"), [((), ": set PARLEY_API_KEY"), (("--key", "k"), "")])
async def test_who_has_no_key_is_told_where_to_put_one(
    words: tuple[str, ...], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = {"error": {"message": "no entry", "code": "unauthorized"}}
    async with serving(JSONResponse(refusal, 401)) as url:
        assert await asyncio.to_thread(main, [*words, "--tts", url, "voices"]) == 1
    assert capsys.readouterr().err == f"error: no entry{hint}\n"
