"""Server-sent events as chat completions use them, and the deltas inside."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.orchestrator.llm.base import ToolCall
from shared.errors import UpstreamFailed

_END = "[DONE]"


async def data(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The ``data`` of each event; comments and other fields are skipped."""
    held: list[str] = []
    async for line in lines:
        if line.startswith("data:"):
            held.append(line[5:].removeprefix(" "))
        elif not line and held:
            yield "\n".join(held)
            held = []
    if held:
        yield "\n".join(held)


@dataclass(slots=True)
class Completion:
    """A chat completion as it grows."""

    finished: bool = False
    model: str = ""
    pieces: int = 0
    """Deltas with text: about the tokens, where the server does not count them."""
    usage: Mapping[str, Any] | None = None
    _calls: dict[int, dict[str, str]] = field(default_factory=dict)

    def take(self, event: str) -> str:
        """Take one event; gives the text that it adds.

        Raises:
            UpstreamFailed: it is no chunk of a completion, or tells of an error.
        """
        if event == _END:
            self.finished = True
            return ""
        chunk = _object(event)
        if (error := chunk.get("error")) is not None:
            said = error.get("message") if isinstance(error, dict) else error
            raise UpstreamFailed(f"the LLM failed: {str(said)[:200]}")
        self.model = chunk.get("model") or self.model
        self.usage = chunk.get("usage") or self.usage
        text = ""
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            text += delta.get("content") or ""
            for call in delta.get("tool_calls") or ():
                self._call(call)
            self.finished = self.finished or choice.get("finish_reason") is not None
        self.pieces += bool(text)
        return text

    def _call(self, piece: Mapping[str, Any]) -> None:
        call = self._calls.setdefault(
            piece.get("index") or 0, {"id": "", "name": "", "arguments": ""}
        )
        function = piece.get("function") or {}
        call["id"] = piece.get("id") or call["id"]
        call["name"] += function.get("name") or ""
        call["arguments"] += function.get("arguments") or ""

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tools that the model wants called."""
        return tuple(
            ToolCall(call["id"] or f"call_{index}", call["name"], call["arguments"])
            for index, call in sorted(self._calls.items())
        )


def _object(event: str) -> dict[str, Any]:
    try:
        chunk = json.loads(event)
    except json.JSONDecodeError:
        chunk = None
    if not isinstance(chunk, dict):
        raise UpstreamFailed("the LLM sent an event that is no JSON object")
    return chunk
