"""Any OpenAI-compatible chat model, streamed: vLLM, Ollama, llama.cpp, Groq, OpenAI."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx

from services.orchestrator.llm.base import ChatRequest, Delta, Done, Message, Text
from services.orchestrator.llm.sse import Completion, data
from shared.clock import Clock
from shared.errors import (
    DeadlineExceeded,
    ParleyError,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
)
from shared.resilience import backoff

_REFUSALS = frozenset({400, 401, 403, 404, 413, 422})


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """How to ask a model."""

    model: str
    max_tokens: int = 400
    temperature: float | None = None
    """None: the server's own."""
    usage: bool = True
    """Ask for token counts; some servers refuse the question."""
    tier: str = ""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, and how often to try."""

    first_token_s: float = 10.0
    """For the first token, all tries together."""
    token_s: float = 5.0
    """For each token after it."""
    retries: int = 2
    """New tries, before the first token only: after it, words have been spoken."""


class OpenAiMind:
    """Streams chat completions over a pooled client that it shares with others."""

    def __init__(
        self, client: httpx.AsyncClient, options: ModelOptions, patience: Patience, clock: Clock
    ) -> None:
        self._client = client
        self._options = options
        self._patience = patience
        self._clock = clock
        self.name = options.model

    async def aclose(self) -> None:
        """The client is its maker's to close."""

    async def reply(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Text as it comes, then what it cost; closing the generator closes the stream."""
        completion = Completion()
        async with aclosing(self._begun(self._payload(request), completion)) as texts:
            async for text in texts:
                yield Text(text)
        usage = completion.usage or {}
        yield Done(
            input_tokens=int(usage.get("prompt_tokens") or 0),
            output_tokens=int(usage.get("completion_tokens") or completion.pieces),
            model=completion.model or self._options.model,
            tier=self._options.tier,
            tool_calls=completion.calls,
        )

    async def _begun(
        self, payload: dict[str, Any], completion: Completion
    ) -> AsyncGenerator[str, None]:
        """Try until a first token comes; from then on there is no other try."""
        give_up = self._clock.now() + self._patience.first_token_s
        for tried, pause in enumerate(backoff(0.1, 1.0)):
            begun = False
            try:
                async with aclosing(self._texts(payload, completion, give_up)) as texts:
                    async for text in texts:
                        begun = True
                        yield text
            except ParleyError as error:
                wait = max(pause, error.retry_after_s or 0.0)
                late = self._clock.now() + wait >= give_up
                if begun or late or not error.retryable or tried >= self._patience.retries:
                    raise
            else:
                return
            await asyncio.sleep(wait)

    async def _texts(
        self, payload: dict[str, Any], completion: Completion, give_up: float
    ) -> AsyncGenerator[str, None]:
        """One try."""
        wait_s = give_up - self._clock.now()
        try:
            async with aclosing(self._events(payload)) as events:
                while True:
                    async with asyncio.timeout(wait_s):
                        event = await anext(events, None)
                    if event is None:
                        break
                    if text := completion.take(event):
                        yield text
                        wait_s = self._patience.token_s
        except TimeoutError as error:
            if not completion.finished:
                raise DeadlineExceeded(f"the LLM was silent for {wait_s:.1f} s") from error
        if not completion.finished:
            raise UpstreamFailed("the LLM's stream was cut")

    async def _events(self, payload: dict[str, Any]) -> AsyncGenerator[str, None]:
        try:
            async with self._client.stream("POST", "chat/completions", json=payload) as response:
                if response.status_code != httpx.codes.OK:
                    raise _refusal(response, await response.aread())
                async for event in data(response.aiter_lines()):
                    yield event
        except httpx.HTTPError as error:
            raise UpstreamFailed(f"the LLM cannot be reached: {type(error).__name__}") from error

    def _payload(self, request: ChatRequest) -> dict[str, Any]:
        options = self._options
        payload: dict[str, Any] = {
            "model": options.model,
            "messages": [_message(message) for message in request.messages],
            "max_tokens": options.max_tokens,
            "stream": True,
        }
        if options.usage:
            payload["stream_options"] = {"include_usage": True}
        if options.temperature is not None:
            payload["temperature"] = options.temperature
        if request.tools:
            payload["tools"] = list(request.tools)
        if request.user:
            payload["user"] = request.user
        return payload


def _message(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        wire["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _refusal(response: httpx.Response, body: bytes) -> ParleyError:
    """What a status means; the server's own words are cut, they may repeat the prompt."""
    status = response.status_code
    said = body[:200].decode(errors="replace")
    if status in _REFUSALS:
        return UpstreamRefused(f"the LLM refused the request ({status}): {said}")
    if status == httpx.codes.TOO_MANY_REQUESTS:
        after = response.headers.get("retry-after", "")
        wait = float(after) if after.replace(".", "", 1).isdigit() else None
        return UpstreamLimited("the LLM is over its limits", retry_after_s=wait)
    return UpstreamFailed(f"the LLM answered {status}")
