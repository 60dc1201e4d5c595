"""Tools in a spoken conversation, from the model's call to the answer aloud."""

import json

from tests.doubles.asr_service import ScriptedAsr
from tests.doubles.llm_server import Answer, chunk, says
from tests.doubles.tts_service import ScriptedTts
from tests.integration.orchestrator.client import house
from tests.integration.orchestrator.test_llm import thinking


def calls(name: str, **arguments: object) -> Answer:
    """The model asks for a tool."""
    call = {
        "index": 0,
        "id": "call_1",
        "function": {"name": name, "arguments": json.dumps(arguments)},
    }
    wanted = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}
    return Answer([wanted, chunk(finish_reason="tool_calls")])


async def test_a_tools_result_is_spoken(asr: ScriptedAsr, tts: ScriptedTts) -> None:
    answers = calls("flight_booking_details", code="AB12CD"), says("You fly from Lisbon.")
    async with thinking(asr, tts, *answers, tools=["flights"]) as (client, llm):
        await client.send("text", text="Where do I fly from?")
        call = await client.until("tool.call")
        result = await client.until("tool.result")
        done = await client.until("reply.done")
    assert call["arguments"] == {"code": "AB12CD"}
    assert result["call_id"] == call["call_id"] == "call_1"
    assert result["result"]["origin"] == "Lisbon"
    assert done["text"] == "You fly from Lisbon."
    assert llm.requests[0]["tools"][0]["function"]["name"] == "flight_booking_details"
    assert llm.requests[1]["messages"][-1]["role"] == "tool"


async def test_an_asynchronous_result_is_told_when_nobody_speaks(
    asr: ScriptedAsr, tts: ScriptedTts
) -> None:
    answers = calls("send_eticket", code="AB12CD"), says("It is on its way."), says("It is sent.")
    async with thinking(asr, tts, *answers, tools=["flights"]) as (client, llm):
        await client.send("text", text="Send me my ticket.")
        first = await client.until("reply.done")
        second = await client.until("reply.done")
    assert [first["text"], second["text"]] == ["It is on its way.", "It is sent."]
    assert "maria@example.com" in llm.requests[2]["messages"][-1]["content"]
    assert client.kinds().count("transcript") == 1


async def test_a_session_names_its_tools(asr: ScriptedAsr, tts: ScriptedTts) -> None:
    async with thinking(
        asr, tts, says("Hello."), tools=["flights"], body={"tools": ["connect_to_human"]}
    ) as (client, llm):
        await client.send("text", text="Hi")
        await client.until("reply.done")
    names = [tool["function"]["name"] for tool in llm.requests[0]["tools"]]
    assert names == ["connect_to_human"]


async def test_an_unknown_tool_is_refused_by_name(asr: ScriptedAsr, tts: ScriptedTts) -> None:
    async with house(asr_url=asr.url, tts_url=tts.url) as service:
        answer = await service.http.post("/v2/sessions", json={"tools": ["fly"]})
    assert answer.status_code == 400
    assert "no tool fly" in answer.json()["error"]["message"]
