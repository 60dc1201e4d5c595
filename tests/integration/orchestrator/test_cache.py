"""The semantic cache: no LLM and no TTS for what was asked before, on a real Redis."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.doubles.asr_service import ScriptedAsr
from tests.doubles.llm_server import ScriptedLlm, says
from tests.doubles.tts_service import ScriptedTts
from tests.integration.orchestrator.client import Client, House, house
from tests.running.app import serving
from tests.running.redis import RedisServer

MEANINGS = {
    "When do you open?": [1.0, 0.02, 0.0],
    "At what time do you open?": [1.0, 0.0, 0.02],
    "Do you have room 12?": [0.0, 1.0, 0.0],
    "Do you have room 21?": [0.0, 1.0, 0.01],
    "Where are you?": [0.0, 0.0, 1.0],
}


@asynccontextmanager
async def caching(
    redis: RedisServer, asr: ScriptedAsr, tts: ScriptedTts, **settings: Any
) -> AsyncIterator[tuple[House, ScriptedLlm]]:
    chosen = {"redis_url": redis.url, "semantic_cache": "on", **settings}
    async with (
        ScriptedLlm(says("We open at nine.")).running() as llm,
        house(asr_url=asr.url, tts_url=tts.url, llm_base_url=llm.url, **chosen) as service,
    ):
        yield service, llm


async def ask(service: House, question: str, **body: object) -> tuple[Client, dict[str, Any]]:
    """The first turn of a new session, heard to its end."""
    async with service.talking(fillers=False, **body) as client:
        await client.send("text", text=question)
        metrics = await client.until("metrics")
    return client, metrics


async def test_the_same_question_needs_no_model_and_no_voice(
    redis_server: RedisServer, asr: ScriptedAsr, tts: ScriptedTts
) -> None:
    async with caching(redis_server, asr, tts) as (service, llm):
        first, missed = await ask(service, "When do you open?")
        spoken = len(tts.asked("synthesize"))
        second, hit = await ask(service, "when do you open")
    assert (missed["cache"], hit["cache"]) == ("miss", "hit")
    assert len(llm.requests) == 1
    assert len(tts.asked("synthesize")) == spoken
    assert second.audio == first.audio
    replies = [e["text"] for c in (first, second) for e in c.events if e["type"] == "reply.done"]
    assert replies == ["We open at nine."] * 2


@pytest.mark.parametrize("change", [{"system_prompt": "Be rude."}, {"language": "de"}])
async def test_another_setting_is_another_question(
    redis_server: RedisServer, asr: ScriptedAsr, tts: ScriptedTts, change: dict[str, object]
) -> None:
    async with caching(redis_server, asr, tts) as (service, llm):
        await ask(service, "When do you open?")
        _, metrics = await ask(service, "When do you open?", **change)
    assert metrics["cache"] == "miss"
    assert len(llm.requests) == 2


async def test_later_turns_are_not_looked_up(
    redis_server: RedisServer, asr: ScriptedAsr, tts: ScriptedTts
) -> None:
    async with caching(redis_server, asr, tts) as (service, llm):
        await ask(service, "And then?")
        async with service.talking(fillers=False) as client:
            for question in ("When do you open?", "And then?"):
                await client.send("text", text=question)
                metrics = await client.until("metrics")
    assert "cache" not in metrics
    assert len(llm.requests) == 3


async def test_what_a_session_left_is_erased_with_it(
    redis_server: RedisServer, asr: ScriptedAsr, tts: ScriptedTts
) -> None:
    async with caching(redis_server, asr, tts) as (service, _):
        client, _ = await ask(service, "When do you open?")
        await service.http.delete(f"/v2/sessions/{client.session['session_id']}")
        _, metrics = await ask(service, "When do you open?")
    assert metrics["cache"] == "miss"


async def test_only_so_many_answers_are_kept(
    redis_server: RedisServer, asr: ScriptedAsr, tts: ScriptedTts
) -> None:
    async with caching(redis_server, asr, tts, cache_entries=2) as (service, _):
        for question in ("one", "two", "three"):
            await ask(service, question)
        found = [(await ask(service, question))[1]["cache"] for question in ("three", "one")]
    assert found == ["hit", "miss"]


async def test_an_interrupted_model_leaves_no_answer(
    redis_server: RedisServer, asr: ScriptedAsr, tts: ScriptedTts
) -> None:
    tts.free.clear()
    async with caching(redis_server, asr, tts) as (service, _):
        async with service.talking(fillers=False) as client:
            await client.send("text", text="When do you open?")
            await client.until("reply.delta")
            await client.send("interrupt")
            await client.until("reply.done")
        tts.free.set()
        _, metrics = await ask(service, "When do you open?")
    assert metrics["cache"] == "miss"


async def embed(request: Request) -> Response:
    """A server of vectors."""
    text = json.loads(await request.body())["input"]
    return JSONResponse({"data": [{"embedding": MEANINGS[text]}]})


async def test_the_same_meaning_is_found_and_other_numbers_are_not(
    redis_server: RedisServer, asr: ScriptedAsr, tts: ScriptedTts
) -> None:
    app = Starlette(routes=[Route("/v1/embeddings", embed, methods=["POST"])])
    async with (
        serving(app) as url,
        caching(redis_server, asr, tts, embeddings_base_url=f"{url}/v1") as (service, _),
    ):
        found = {question: (await ask(service, question))[1]["cache"] for question in MEANINGS}
    assert found == {
        "When do you open?": "miss",
        "At what time do you open?": "hit",
        "Do you have room 12?": "miss",
        "Do you have room 21?": "miss",
        "Where are you?": "miss",
    }


async def test_without_its_embeddings_server_the_same_words_are_found(
    redis_server: RedisServer, asr: ScriptedAsr, tts: ScriptedTts
) -> None:
    nobody = "http://127.0.0.1:9/v1"
    async with caching(redis_server, asr, tts, embeddings_base_url=nobody) as (service, _):
        await ask(service, "When do you open?")
        _, metrics = await ask(service, "When do you open?")
    assert metrics["cache"] == "hit"


async def test_without_redis_it_thinks(
    redis_server: RedisServer, asr: ScriptedAsr, tts: ScriptedTts
) -> None:
    async with (
        caching(redis_server, asr, tts) as (service, llm),
        service.talking(fillers=False) as client,
    ):
        await client.until("session")
        await redis_server.stop()
        await client.send("text", text="When do you open?")
        await client.until("reply.delta")
    assert len(llm.requests) == 1
