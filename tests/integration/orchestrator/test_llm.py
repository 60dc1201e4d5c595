"""The LLM in the loop: spoken clause by clause, cancelled, failing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.doubles.asr_service import ScriptedAsr
from tests.doubles.llm_server import Answer, ScriptedLlm, chunk, says
from tests.doubles.tts_service import ScriptedTts
from tests.integration.orchestrator.client import Client, house


@asynccontextmanager
async def thinking(
    asr: ScriptedAsr,
    tts: ScriptedTts,
    *answers: Answer,
    body: dict[str, object] | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[Client, ScriptedLlm]]:
    """A client of a service with such an LLM; fillers only where they are wanted."""
    chosen = {"asr_url": asr.url, "tts_url": tts.url, **settings}
    wanted = {"fillers": False, **(body or {})}
    async with (
        ScriptedLlm(*answers).running() as llm,
        house(llm_base_url=llm.url, **chosen) as service,
        service.talking(**wanted) as client,
    ):
        yield client, llm


async def test_a_reply_is_spoken(asr: ScriptedAsr, tts: ScriptedTts) -> None:
    tokens = ("Sure, ", "your ", "table ", "is ", "booked. ", "We ", "expect ", "you ", "at eight.")
    async with thinking(
        asr, tts, says(*tokens), price_llm_input=1e6, body={"system_prompt": "Be brief."}
    ) as (client, llm):
        await client.says()
        metrics = await client.until("metrics")
    assert "".join(m["text"] for m in tts.asked("text")) == "".join(tokens)
    assert llm.requests[0]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "book a table for two"},
    ]
    assert metrics["tokens_in"] == 12
    assert metrics["cost"]["llm"] == 12.0
    assert metrics["llm_ttft_ms"] is not None


async def test_the_history_holds_what_was_heard(asr: ScriptedAsr, tts: ScriptedTts) -> None:
    long = says("This is a rather long answer. ", "It goes on and on and on, and then on again.")
    async with thinking(asr, tts, long, speculate=False) as (client, llm):
        await client.says()
        start = await client.until("audio.start")
        await client.send("playback", turn_id=start["turn_id"], played_ms=200)
        await client.send("interrupt")
        done = await client.until("reply.done")
        assert done["interrupted"]
        assert done["text"].startswith(done["heard_text"])
        await client.says()
        await client.until("reply.done")
    roles = [(m["role"], m["content"]) for m in llm.requests[1]["messages"][1:]]
    assert roles == [
        ("user", "book a table for two"),
        ("assistant", done["heard_text"]),
        ("user", "book a table for two"),
    ]


async def test_the_first_clause_is_spoken_while_the_llm_writes_and_barge_in_ends_both(
    asr: ScriptedAsr, tts: ScriptedTts
) -> None:
    endless = Answer([chunk("A long story begins here. "), chunk("And then")], hang_after=1)
    async with thinking(asr, tts, endless) as (client, llm):
        await client.says()
        await client.until("audio.start")
        await client.send("interrupt")
        await client.until("audio.clear")
        async with asyncio.timeout(5):
            await llm.left.wait()


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Answer(status=401), "upstream_refused"),
        (Answer(status=404), "upstream_refused"),
        (Answer(status=500), "upstream_failed"),
        (Answer(status=429, headers={"Retry-After": "60"}), "upstream_limited"),
        (Answer(["not json"]), "upstream_failed"),
        (Answer([chunk("x")], cut_after=0), "upstream_failed"),
        (Answer([chunk("x")], hang_after=0), "timeout"),
    ],
    ids=["401", "404", "500", "429", "no json", "cut", "hang"],
)
async def test_a_failing_llm_is_told_and_apologised_for(
    asr: ScriptedAsr, tts: ScriptedTts, failure: Answer, code: str
) -> None:
    patience_s = 5.0 if code == "timeout" else 30.0
    settings: dict[str, Any] = {
        "llm_retries": 0,
        "llm_first_token_timeout_s": patience_s,
        "speculate": False,
    }
    async with thinking(asr, tts, failure, says("Better now."), **settings) as (client, _):
        await client.says()
        error = await client.until("error")
        assert error["code"] == code
        done = await client.until("reply.done")
        assert "sorry" in done["text"]
        assert client.audio > 0
        await client.says()
        done = await client.until("reply.done")
        assert done["text"] == "Better now."


async def test_a_right_guess_saves_time(tts: ScriptedTts) -> None:
    async with (
        ScriptedAsr(["hello"], candidates=True).running() as asr,
        thinking(asr, tts, says("Hi.")) as (client, llm),
    ):
        await client.says()
        metrics = await client.until("metrics")
    assert metrics["speculation"] == "hit"
    assert len(llm.requests) == 1


async def test_the_small_model_answers_small_talk(tts: ScriptedTts) -> None:
    texts = ["hello", "explain why the sky is blue and compare it with the sea"]
    models: dict[str, Any] = {"llm_model": "big", "llm_small_model": "tiny"}
    async with (
        ScriptedAsr(texts).running() as asr,
        thinking(asr, tts, says("Yes."), **models) as (client, llm),
    ):
        tiers = []
        for _ in texts:
            await client.says()
            tiers.append((await client.until("metrics"))["tier"])
            await client.until("state", value="idle")
    assert tiers == ["small", "large"]
    assert [request["model"] for request in llm.requests] == ["tiny", "big"]


async def test_a_slow_reply_is_bridged_in_the_sessions_voice(tts: ScriptedTts) -> None:
    slow = Answer(says("Here it is.").events, before_s=0.6)
    body: dict[str, object] = {"fillers": True}
    async with (
        ScriptedAsr(["hello"]).running() as asr,
        thinking(asr, tts, slow, filler_after_ms=200, body=body) as (client, _),
    ):
        await client.says()
        filler = await client.until("filler")
        metrics = await client.until("metrics")
    assert filler["text"]
    assert metrics["fillers"] == 1
    assert client.kinds().index("audio.start") < client.kinds().index("reply.delta")
