"""Tools of real MCP servers, over both of their transports."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.orchestrator.tools.base import Outcome
from services.orchestrator.tools.mcp import read, servers
from services.orchestrator.tools.registry import Registry
from services.orchestrator.tools.runner import ToolRunner
from shared.config import BadSettings
from tests.running.process import ROOT, free_port, launch

DOUBLE = str(ROOT / "tests/doubles/mcp_server.py")


@dataclass(frozen=True)
class Call:
    name: str
    arguments: str = "{}"
    call_id: str = "c1"


@pytest.fixture
def named(tmp_path: Path) -> Callable[[dict[str, object]], Path]:
    def write(servers: dict[str, object]) -> Path:
        path = tmp_path / "mcp.json"
        path.write_text(json.dumps({"mcpServers": servers}))
        return path

    return write


@asynccontextmanager
async def over_http(port: int) -> AsyncIterator[None]:
    process = await launch(DOUBLE, "http", str(port), port=port)
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                break
    try:
        yield
    finally:
        process.signal(signal.SIGKILL)
        await process.ended()


async def called(registry: Registry, call: Call) -> Outcome:
    async with ToolRunner(registry.select(None)) as tools:
        steps = [step async for step in tools.call(call)]
    assert isinstance(steps[-1], Outcome)
    return steps[-1]


async def test_a_program_and_a_url_offer_their_tools(
    named: Callable[[dict[str, object]], Path],
) -> None:
    port = free_port()
    path = named(
        {
            "program": {"command": sys.executable, "args": [DOUBLE, "stdio"]},
            "remote": {"url": f"http://127.0.0.1:{port}/mcp"},
        }
    )
    async with over_http(port), servers(path) as registry:
        assert registry.names() == ["program_add", "program_refuse", "remote_add", "remote_refuse"]
        for name in ("program_add", "remote_add"):
            ended = await called(registry, Call(name, '{"first": 2, "second": 3}'))
            assert "5" in ended.content
            assert ended.error is None
        assert "refuse" in str((await called(registry, Call("program_refuse"))).error)


async def test_a_server_that_comes_back_is_used_again(
    named: Callable[[dict[str, object]], Path],
) -> None:
    port = free_port()
    path = named({"remote": {"url": f"http://127.0.0.1:{port}/mcp"}})
    call = Call("remote_add", '{"first": 2, "second": 3}')
    async with asyncio.timeout(50):
        async with over_http(port):
            context = servers(path)
            registry = await context.__aenter__()
            assert (await called(registry, call)).error is None
        assert (await called(registry, call)).error
        async with over_http(port):
            while (await called(registry, call)).error:
                await asyncio.sleep(0.05)
        await context.__aexit__(None, None, None)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{", "file"),
        ('{"mcpServers": {"x": {}}}', "either `command` or `url`"),
        ('{"mcpServers": {"x": {"comand": "y"}}}', "comand"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path: Path, text: str, names: str) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(text)
    with pytest.raises(BadSettings, match=f"ORCHESTRATOR_MCP=.*{names}"):
        read(path)
    with pytest.raises(BadSettings, match="No such file"):
        read(tmp_path / "missing.json")
