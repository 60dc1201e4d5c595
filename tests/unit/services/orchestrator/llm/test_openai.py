"""Chat completions over a real socket, and every way in which they fail."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from services.orchestrator.llm.base import ChatRequest, Done, Message, Text, ToolCall
from services.orchestrator.llm.openai import ModelOptions, OpenAiMind, Patience
from shared.clock import SystemClock
from shared.errors import (
    DeadlineExceeded,
    ParleyError,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
)
from tests.doubles.llm_server import FINISH, Answer, ScriptedLlm, chunk, says

ASKED = ChatRequest([Message("system", "Be kind."), Message("user", "Hello")])
QUICK = Patience(first_token_s=1.5, token_s=0.2, retries=2)


@asynccontextmanager
async def mind(
    *answers: Answer, patience: Patience = QUICK, **options: object
) -> AsyncIterator[tuple[OpenAiMind, ScriptedLlm]]:
    async with (
        ScriptedLlm(*answers).running() as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=5) as client,
    ):
        chosen = ModelOptions("m", **options)  # type: ignore[arg-type]
        yield OpenAiMind(client, chosen, patience, SystemClock()), server


async def read(mind: OpenAiMind, request: ChatRequest = ASKED) -> tuple[list[str], Done]:
    texts, done = [], Done()
    async for delta in mind.reply(request):
        if isinstance(delta, Text):
            texts.append(delta.text)
        else:
            done = delta
    return texts, done


async def test_text_comes_as_it_is_written() -> None:
    async with mind(says("Hello", " there.")) as (model, server):
        texts, done = await read(model)
    assert texts == ["Hello", " there."]
    assert (done.input_tokens, done.output_tokens, done.model) == (12, 7, "double-1")
    [request] = server.requests
    assert request["stream"] is True
    assert request["messages"][0] == {"role": "system", "content": "Be kind."}


async def test_one_connection_serves_all_requests() -> None:
    async with mind(says("Hi.")) as (model, server):
        for _ in range(5):
            await read(model)
    assert server.connections == 1


async def test_tokens_are_counted_where_the_server_does_not() -> None:
    async with mind(Answer([chunk("a"), chunk("b"), FINISH]), usage=False) as (model, server):
        _, done = await read(model)
    assert done.output_tokens == 2
    assert "stream_options" not in server.requests[0]


async def test_tool_calls_come_in_pieces() -> None:
    def call(**function: str) -> dict[str, object]:
        delta = {"tool_calls": [{"index": 0, "id": "c1", "function": function}]}
        return {"choices": [{"index": 0, "delta": delta}]}

    events = [
        call(name="book", arguments='{"pe'),
        call(arguments='ople": 2}'),
        chunk(finish_reason="tool_calls"),
    ]
    async with mind(Answer(events)) as (model, _):
        texts, done = await read(model)
    assert texts == []
    assert done.tool_calls == (ToolCall("c1", "book", '{"people": 2}'),)


@pytest.mark.parametrize(
    "failure",
    [
        Answer(status=500),
        Answer(status=503),
        Answer(status=429, headers={"Retry-After": "0"}),
        Answer(cut_after=0, events=[chunk("x")]),
        Answer(["not json"]),
        Answer([{"error": {"message": "overloaded"}}]),
    ],
    ids=["500", "503", "429", "cut", "no json", "error event"],
)
async def test_what_fails_before_the_first_token_is_tried_again(failure: Answer) -> None:
    async with mind(failure, says("Hi.")) as (model, server):
        texts, _ = await read(model)
    assert texts == ["Hi."]
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (Answer([chunk("Hi"), chunk(" you")], cut_after=1), UpstreamFailed),
        (Answer([chunk("Hi"), chunk(" you")], hang_after=1), DeadlineExceeded),
        (Answer([chunk("Hi"), "{"]), UpstreamFailed),
        (Answer([chunk("Hi"), {"error": "died"}]), UpstreamFailed),
        (Answer([chunk("Hi")], done=False), UpstreamFailed),
    ],
    ids=["cut", "hang", "no json", "error event", "no end"],
)
async def test_what_fails_after_it_is_not(failure: Answer, error: type[ParleyError]) -> None:
    async with mind(failure) as (model, server):
        reply = model.reply(ASKED)
        assert await anext(reply) == Text("Hi")
        with pytest.raises(error):
            await anext(reply)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refusal_is_final(status: int) -> None:
    async with mind(Answer(status=status)) as (model, server):
        with pytest.raises(UpstreamRefused, match=str(status)):
            await read(model)
    assert len(server.requests) == 1


async def test_it_gives_up_after_the_last_try() -> None:
    async with mind(Answer(status=500)) as (model, server):
        with pytest.raises(UpstreamFailed):
            await read(model)
    assert len(server.requests) == 3


async def test_a_limit_that_lasts_longer_than_our_patience_is_told() -> None:
    async with mind(Answer(status=429, headers={"Retry-After": "60"})) as (model, server):
        with pytest.raises(UpstreamLimited) as caught:
            await read(model)
    assert caught.value.retry_after_s == 60
    assert len(server.requests) == 1


async def test_silence_before_the_first_token_has_its_time() -> None:
    patience = Patience(first_token_s=0.3, retries=5)
    async with mind(Answer([chunk("x")], hang_after=0), patience=patience) as (model, _):
        with pytest.raises(DeadlineExceeded):
            await read(model)


async def test_nobody_there() -> None:
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9/v1", trust_env=False) as client:
        model = OpenAiMind(client, ModelOptions("m"), Patience(0.5, 0.5, 1), SystemClock())
        with pytest.raises(UpstreamFailed):
            await read(model)


async def test_closing_the_reply_closes_the_stream() -> None:
    async with mind(Answer([chunk("Hi"), chunk("x")], hang_after=1)) as (model, server):
        reply = model.reply(ASKED)
        assert await anext(reply) == Text("Hi")
        await reply.aclose()
        await server.left.wait()
