from pathlib import Path

import pytest
from huggingface_hub import constants as hub
from starlette.responses import Response

from services.asr.engines.whisper.load import Device, devices, fetch, find, load
from shared.errors import EngineUnavailable
from tests.doubles.silent_servers import dripping_server, silent_server
from tests.running.app import serving


def test_a_folder_is_found_by_its_path(random_whisper: str, tmp_path: Path) -> None:
    assert find(random_whisper) == Path(random_whisper)
    assert find(str(tmp_path)) is None
    assert find("tiny", tmp_path) is None


async def test_the_hubs_cache_is_looked_into(random_whisper: str, tmp_path: Path) -> None:
    repository = tmp_path / "models--Systran--faster-whisper-tiny"
    snapshot = repository / "snapshots" / "abc"
    snapshot.parent.mkdir(parents=True)
    snapshot.symlink_to(random_whisper)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    found = find("tiny", tmp_path)
    assert found is not None
    assert (found / "model.bin").exists()


async def test_a_silent_hub_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shared.knock.SILENCE_S", 0.2)
    with silent_server() as server:
        monkeypatch.setattr(hub, "ENDPOINT", server)
        with pytest.raises(EngineUnavailable, match=r"did not answer within 0.2 s \(Timeout"):
            await fetch("tiny", tmp_path)


async def test_a_hub_that_drips_is_given_up_as_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("shared.knock.SILENCE_S", 0.2)
    async with dripping_server() as server:
        monkeypatch.setattr(hub, "ENDPOINT", server)
        with pytest.raises(EngineUnavailable, match="did not answer"):
            await fetch("tiny", tmp_path)


async def test_a_hub_that_refuses_is_quoted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with serving(Response(status_code=404)) as server:
        monkeypatch.setattr(hub, "ENDPOINT", server)
        with pytest.raises(EngineUnavailable, match="404 for somebody/model"):
            await fetch("somebody/model", tmp_path)


async def test_a_name_that_is_nothing_lists_what_there_is() -> None:
    with pytest.raises(EngineUnavailable, match="large-v3"):
        await fetch("enormous")


async def test_offline_the_hub_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", True)
    with pytest.raises(EngineUnavailable, match="HF_HUB_OFFLINE is set; set ASR_MODEL"):
        await fetch("tiny")


def test_a_damaged_folder_says_so(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"nothing")
    with pytest.raises(EngineUnavailable, match="cannot load"):
        load(tmp_path, "broken", Device("cpu"))


def test_a_device_setting_names_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    assert devices("cpu", "auto", 2) == (Device("cpu", 0, "int8", 2),)
    monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: 0)
    assert devices("auto", "float32", 0)[0] == Device("cpu", 0, "float32", 0)
    with pytest.raises(EngineUnavailable, match="no NVIDIA GPU, or no driver"):
        devices("cuda", "auto", 0)
    monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: 2)
    assert devices("auto", "auto", 0) == (Device("cuda", 0, "float16", 0),)
    assert [place.index for place in devices("cuda:0,1", "int8_float16", 0)] == [0, 1]
