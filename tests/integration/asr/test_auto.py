"""What `auto` takes where there are no weights and no hub, and how it tells."""

import asyncio
import time
from pathlib import Path

import httpx

from tests.hub import hub
from tests.models.tiny_whisper.evaluate import WEIGHTS
from tests.processes import launch, service


async def test_a_silent_hub_leaves_the_service_on_its_fallback(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    hub = await asyncio.start_server(silent, "127.0.0.1", 0)
    env = {
        "ASR_ENGINE": "auto",
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.sockets[0].getsockname()[1]}",
        "HF_HUB_CACHE": str(tmp_path),
        "HF_HUB_OFFLINE": "0",
        "ASR_SMART_TURN": "off",
    }
    began = time.monotonic()
    async with service("-m", "services.asr", port_variable="ASR_PORT", env=env) as running:
        took = time.monotonic() - began
        async with httpx.AsyncClient(base_url=running.http, trust_env=False) as http:
            engine = (await http.get("/health")).json()["engine"]
    hub.close()
    assert took < 40
    assert engine["name"] == "sphinx"
    assert "whisper" in engine["reason"]
    assert "did not answer within 3 s" in engine["reason"]
    assert "ASR_MODEL" in engine["reason"]


async def test_a_model_asked_for_by_name_stops_the_service() -> None:
    env = {"ASR_ENGINE": "whisper", "ASR_MODEL": "/no/such/folder", "ASR_PORT": "0"}
    code, said = await (await launch("-m", "services.asr", env=env)).ended(timeout_s=40)
    assert code == 1
    assert "ASR_MODEL=/no/such/folder: neither a folder with model.bin" in said


async def test_weights_come_from_the_hub_once_and_then_from_its_cache(tmp_path: Path) -> None:
    env = {
        "ASR_ENGINE": "whisper",
        "ASR_MODEL": "us/tiny",
        "ASR_THREADS": "1",
        "ASR_SMART_TURN": "off",
        "HF_HUB_CACHE": str(tmp_path),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }

    async def loaded(address: str) -> str:
        environ = {**env, "HF_ENDPOINT": address}
        async with (
            service("-m", "services.asr", port_variable="ASR_PORT", env=environ) as running,
            httpx.AsyncClient(base_url=running.http, trust_env=False) as http,
        ):
            return str((await http.get("/health")).json()["engine"]["model"])

    async with hub("us/tiny", WEIGHTS) as (address, asked):
        assert await loaded(address) == "tiny"
        assert any(path.endswith("/model.bin") for path in asked)
    assert await loaded("http://127.0.0.1:1") == "tiny"
