"""Tools in a spoken conversation, from the model's call to the answer aloud."""

import json

import pytest

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


MAP = {
    "name": "show_map",
    "description": "Show a place on the screen.",
    "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
}


async def test_the_client_runs_a_tool_of_its_own(asr: ScriptedAsr, tts: ScriptedTts) -> None:
    answers = calls("show_map", place="Lisbon"), says("There it is.")
    body: dict[str, object] = {"client_tools": [MAP]}
    async with thinking(asr, tts, *answers, tools=["flights"], body=body) as (client, llm):
        await client.send("text", text="Where is Lisbon?")
        call = await client.until("tool.call")
        assert (call["name"], call["arguments"]) == ("show_map", {"place": "Lisbon"})
        await client.send("tool_result", call_id=call["call_id"], result={"shown": True}, id="r")
        assert (await client.until("tool.result"))["result"] == {"shown": True}
        assert (await client.until("reply.done"))["text"] == "There it is."
    offered = [tool["function"] for tool in llm.requests[0]["tools"]]
    assert MAP in offered
    assert len(offered) > 1
    assert json.loads(llm.requests[1]["messages"][-1]["content"]) == {"shown": True}


async def test_what_the_client_could_not_do_reaches_the_model_in_its_words(
    asr: ScriptedAsr, tts: ScriptedTts
) -> None:
    answers = calls("show_map"), says("I cannot show it.")
    async with thinking(asr, tts, *answers, body={"client_tools": [MAP]}) as (client, llm):
        await client.send("text", text="Where is Lisbon?")
        call = await client.until("tool.call")
        await client.send("tool_result", call_id=call["call_id"], error="there is no screen")
        assert (await client.until("tool.result"))["error"] == "there is no screen"
        await client.until("reply.done")
    assert "there is no screen" in llm.requests[1]["messages"][-1]["content"]


async def test_a_client_that_stays_silent_is_given_up(asr: ScriptedAsr, tts: ScriptedTts) -> None:
    answers = calls("show_map"), says("It did not work.")
    body: dict[str, object] = {"client_tools": [{**MAP, "timeout_s": 0.1}]}
    async with thinking(asr, tts, *answers, body=body) as (client, llm):
        await client.send("text", text="Where is Lisbon?")
        call = await client.until("tool.call")
        assert "within 0.1 s" in (await client.until("tool.result"))["error"]
        await client.send("tool_result", call_id=call["call_id"], result="late")
        assert (await client.until("error"))["code"] == "not_found"
    assert len(llm.requests) == 2


async def test_an_interrupted_call_waits_no_more(asr: ScriptedAsr, tts: ScriptedTts) -> None:
    answers = calls("show_map"), says("Never mind.")
    async with thinking(asr, tts, *answers, body={"client_tools": [MAP]}) as (client, _):
        await client.send("text", text="Where is Lisbon?")
        call = await client.until("tool.call")
        await client.send("interrupt")
        await client.until("state", value="idle")
        await client.send("tool_result", call_id=call["call_id"], result="late")
        error = await client.until("error")
        assert (error["code"], error["param"]) == ("not_found", "call_id")


async def test_a_result_that_is_not_waited_for_is_told_later(
    asr: ScriptedAsr, tts: ScriptedTts
) -> None:
    answers = calls("show_map"), says("One moment."), says("There it is.")
    body: dict[str, object] = {"client_tools": [{**MAP, "wait": False}]}
    async with thinking(asr, tts, *answers, body=body) as (client, llm):
        await client.send("text", text="Where is Lisbon?")
        call = await client.until("tool.call")
        assert (await client.until("reply.done"))["text"] == "One moment."
        await client.send("tool_result", call_id=call["call_id"], result="on the left")
        assert (await client.until("reply.done"))["text"] == "There it is."
    assert "on the left" in llm.requests[2]["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ([MAP, MAP], "client_tools"),
        ([{**MAP, "name": "connect_to_human"}], "client_tools"),
        ([{**MAP, "name": "show map"}], "client_tools.0.name"),
        ([{**MAP, "parameters": {"type": "array"}}], "client_tools.0.parameters"),
        ([{**MAP, "timeout_s": 0}], "client_tools.0.timeout_s"),
        ([MAP] * 65, "client_tools"),
    ],
)
async def test_a_tool_that_cannot_be_is_refused(
    asr: ScriptedAsr, tts: ScriptedTts, tools: list[dict[str, object]], param: str
) -> None:
    settings: dict[str, object] = {"llm_base_url": "http://127.0.0.1:9", "tools": ["flights"]}
    async with house(asr_url=asr.url, tts_url=tts.url, **settings) as service:
        answer = await service.http.post("/v2/sessions", json={"client_tools": tools})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


async def test_without_a_model_nobody_would_call_a_tool(asr: ScriptedAsr, tts: ScriptedTts) -> None:
    async with house(asr_url=asr.url, tts_url=tts.url) as service:
        answer = await service.http.post("/v2/sessions", json={"client_tools": [MAP]})
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "client_tools"
        async with service.talking() as client:
            await client.send("tool_result", call_id="made up", result=1)
            assert (await client.until("error"))["code"] == "not_found"


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
