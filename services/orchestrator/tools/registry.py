"""The tools that a service has; a session chooses among them by name."""

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeVar

from services.orchestrator.tools.base import Kind, Run, Tool
from services.orchestrator.tools.signature import Signature
from shared.errors import InvalidRequest

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")

Function = TypeVar("Function", bound=Callable[..., Any])


class Registry:
    """Tools by name.

    ::

        tools = Registry()

        @tools.tool(idempotent=True, phrase="One moment, I am looking that up.")
        async def weather(city: Annotated[str, Field(description="Name of the city")]) -> str:
            "The weather of today."
    """

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}

    def __len__(self) -> int:
        return len(self._tools)

    def names(self) -> list[str]:
        """Of all tools, in the order in which they came."""
        return list(self._tools)

    def tool(
        self,
        *,
        kind: Kind | None = None,
        timeout_s: float = 10.0,
        idempotent: bool = False,
        phrase: str | None = None,
        name: str | None = None,
    ) -> Callable[[Function], Function]:
        """Register a function: plain (run on a thread), async, or an async generator.

        The description is its docstring, the schema its annotations. An async generator
        yields :class:`Progress` and, last, its result.
        """

        def register(function: Function) -> Function:
            signature = Signature(function)
            streaming = inspect.isasyncgenfunction(function)
            usual = Kind.STREAMING if streaming else Kind.SYNCHRONOUS
            self.add(
                Tool(
                    name=name or function.__name__,
                    description=inspect.getdoc(function) or "",
                    parameters=signature.schema(),
                    run=_runner(function, signature),
                    kind=kind or usual,
                    timeout_s=timeout_s,
                    idempotent=idempotent,
                    phrase=phrase,
                )
            )
            return function

        return register

    def add(self, tool: Tool) -> None:
        """Register a tool.

        Raises:
            ValueError: its name is taken, or is none that models accept.
        """
        if not _NAME.fullmatch(tool.name):
            raise ValueError(
                f"{tool.name!r}: a tool's name is letters, digits, _ and -, at most 64"
            )
        if tool.name in self._tools:
            raise ValueError(f"there are two tools named {tool.name!r}")
        self._tools[tool.name] = tool

    def extend(self, other: "Registry") -> None:
        """Take over all tools of another registry."""
        for tool in other.select(None):
            self.add(tool)

    def select(self, names: Sequence[str] | None) -> tuple[Tool, ...]:
        """These tools; None: all.

        Raises:
            InvalidRequest: naming those that do not exist.
        """
        if names is None:
            return tuple(self._tools.values())
        if unknown := [name for name in names if name not in self._tools]:
            known = ", ".join(self._tools) or "none"
            raise InvalidRequest(f"no tool {', '.join(unknown)}; there is {known}", param="tools")
        return tuple(self._tools[name] for name in names)


def _runner(function: Callable[..., Any], signature: Signature) -> Run:
    async def run(arguments: Mapping[str, Any], _: str) -> AsyncIterator[Any]:
        bound = signature.bind(arguments)
        if inspect.isasyncgenfunction(function):
            async for step in function(**bound):
                yield step
        elif inspect.iscoroutinefunction(function):
            yield await function(**bound)
        else:
            yield await asyncio.to_thread(function, **bound)

    return run
