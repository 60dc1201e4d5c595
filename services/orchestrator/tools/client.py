"""Tools that a session's own client runs: called by ``tool.call``, answered by ``tool_result``."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from services.orchestrator.tools.base import Kind, Tool, ToolError
from shared.errors import InvalidRequest, NotFound
from shared.protocol.conversation import ClientTool, ToolResult


def distinct(wanted: Iterable[ClientTool], taken: Iterable[str]) -> None:
    """Let names pass that stand for one tool each.

    Raises:
        InvalidRequest: naming one that stands for two.
    """
    names = set(taken)
    for tool in wanted:
        if tool.name in names:
            raise InvalidRequest(f"there are two tools named {tool.name}", param="client_tools")
        names.add(tool.name)


class ClientTools:
    """The client's tools of one session, and the calls that wait for it."""

    def __init__(self, wanted: Iterable[ClientTool]) -> None:
        self._wanted = tuple(wanted)
        self._waiting: dict[str, asyncio.Future[Any]] = {}

    def tools(self) -> tuple[Tool, ...]:
        """Each waits for the client, as long as it asked for."""
        return tuple(
            Tool(
                name=tool.name,
                description=tool.description,
                parameters=tool.parameters,
                run=self._run,
                kind=Kind.SYNCHRONOUS if tool.wait else Kind.ASYNCHRONOUS,
                timeout_s=tool.timeout_s,
                phrase=tool.phrase,
            )
            for tool in self._wanted
        )

    def settle(self, result: ToolResult) -> None:
        """The client has done what a ``tool.call`` asked for, or could not.

        Raises:
            NotFound: nobody waits: it took too long, or the user interrupted.
        """
        waiting = self._waiting.get(result.call_id)
        if waiting is None or waiting.done():
            raise NotFound(f"no call {result.call_id[:64]} waits for a result", param="call_id")
        if result.error is not None:
            waiting.set_exception(ToolError(result.error))
        else:
            waiting.set_result(result.result)

    async def _run(self, _: Mapping[str, Any], call_id: str) -> AsyncIterator[Any]:
        if call_id in self._waiting:
            raise ToolError("a call of that id is under way")
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[call_id] = waiting
        try:
            yield await waiting
        finally:
            del self._waiting[call_id]
