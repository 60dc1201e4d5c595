"""Tools of MCP servers, started as programs (stdio) or reached over streamable HTTP.

The file has the form that other MCP clients use::

    {"mcpServers": {"files": {"command": "uvx", "args": ["…"]},
                    "search": {"url": "https://…/mcp", "headers": {"Authorization": "…"}}}}
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp import MCPError, StdioServerParameters
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.orchestrator.tools.base import TemporaryToolError, Tool, ToolError
from services.orchestrator.tools.registry import Registry
from shared.config import BadSettings
from shared.resilience import backoff

log = logging.getLogger(__name__)

_START_S = 10.0
_CALL_S = 20.0


class ServerSettings(BaseModel):
    """One server: a program, or a URL."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: str | None = None
    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    url: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "ServerSettings":
        if (self.command is None) == (self.url is None):
            raise ValueError("a server has either `command` or `url`")
        return self


class ServersFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mcpServers: dict[str, ServerSettings]  # noqa: N815 - the name that all clients use


def read(path: Path) -> ServersFile:
    """The servers that a file names.

    Raises:
        BadSettings: it cannot be read, or is not of that form.
    """
    try:
        return ServersFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadSettings(f"ORCHESTRATOR_MCP={path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "file"
        raise BadSettings(f"ORCHESTRATOR_MCP={path}: {where}: {first['msg']}") from None


class McpServer:
    """One server: kept connected, connected again when its line is lost."""

    def __init__(self, name: str, settings: ServerSettings) -> None:
        self.name = name
        self._settings = settings
        self._client: Client | None = None
        self._lost = asyncio.Event()
        self._ready = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "McpServer":
        self._keeping = asyncio.create_task(self._keep(), name=f"mcp-{self.name}")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    async def tools(self) -> list[Tool]:
        """What it offers.

        Raises:
            TimeoutError: it is not there.
        """
        async with asyncio.timeout(_START_S):
            await self._ready.wait()
        assert self._client is not None  # noqa: S101 - that is what ready means
        listed = await self._client.list_tools()
        return [self._tool(found) for found in listed.tools]

    def _tool(self, found: Any) -> Tool:
        annotations = found.annotations

        async def run(arguments: Mapping[str, Any], _: str) -> AsyncIterator[Any]:
            yield await self._call(found.name, dict(arguments))

        return Tool(
            name=re.sub(r"[^a-zA-Z0-9_-]", "_", f"{self.name}_{found.name}")[:64],
            description=found.description or found.name,
            parameters=found.input_schema,
            run=run,
            timeout_s=_CALL_S,
            idempotent=bool(
                annotations and (annotations.idempotent_hint or annotations.read_only_hint)
            ),
        )

    async def _call(self, name: str, arguments: dict[str, Any]) -> Any:
        client = self._client
        if client is None:
            raise TemporaryToolError(f"the MCP server {self.name} is not there")
        try:
            result = await client.call_tool(name, arguments)
        except MCPError as error:
            raise ToolError(str(error)) from error
        except (OSError, RuntimeError, httpx2.HTTPError) as error:
            self._lost.set()
            raise TemporaryToolError(f"the MCP server {self.name} went away") from error
        text = "\n".join(block.text for block in result.content if block.type == "text")
        if result.is_error:
            raise ToolError(text or f"{name} failed")
        return text if result.structured_content is None else result.structured_content

    async def _keep(self) -> None:
        """Connect, stay connected, connect again; the connection lives in this task."""
        waits = backoff(0.2, 10.0)
        while True:
            try:
                async with AsyncExitStack() as stack:
                    self._client = await stack.enter_async_context(await self._opened(stack))
                    self._lost.clear()
                    self._ready.set()
                    waits = backoff(0.2, 10.0)
                    await self._lost.wait()
            except Exception as error:  # noqa: BLE001 - whatever a foreign server's line raises
                log.warning(
                    "MCP server is away",
                    extra={"server": self.name, "error": type(error).__name__},
                )
            finally:
                self._client = None
                self._ready.clear()
            await asyncio.sleep(next(waits))

    async def _opened(self, stack: AsyncExitStack) -> Client:
        settings = self._settings
        if settings.command is not None:
            parameters = StdioServerParameters(
                command=settings.command, args=list(settings.args), env=settings.env or None
            )
            return Client(parameters)
        http = await stack.enter_async_context(httpx2.AsyncClient(headers=settings.headers))
        return Client(streamable_http_client(settings.url or "", http_client=http))


@asynccontextmanager
async def servers(path: Path) -> AsyncIterator[Registry]:
    """The tools of all servers in a file that are there; the others are told in the log."""
    registry = Registry()
    async with AsyncExitStack() as stack:
        named = read(path).mcpServers.items()
        made = [await stack.enter_async_context(McpServer(*pair)) for pair in named]
        for server in made:
            try:
                for tool in await server.tools():
                    registry.add(tool)
            except (TimeoutError, MCPError):
                log.warning("MCP server offers nothing", extra={"server": server.name})
        yield registry
