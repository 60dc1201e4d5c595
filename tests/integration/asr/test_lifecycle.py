"""Starting, refusing to start, and leaving in order."""

import json
import signal

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.audio.speech import speech
from tests.integration.asr.client import client
from tests.integration.asr.conftest import PATIENT
from tests.integration.asr.watching import get, until_places_taken
from tests.running.process import free_port, launch, service

INSTANT = ("-m", "tests.doubles.instant_asr")
SPEECH = speech("what is the weather today")[:16_000]


@pytest.mark.parametrize(
    ("environ", "code", "named"),
    [
        ({"ASR_ENGINE": "parrot"}, 2, "ASR_ENGINE"),
        ({"ASR_MAX_CONECTIONS": "3"}, 2, "did you mean ASR_MAX_CONNECTIONS"),
        ({"ASR_SMART_TURN": "/no/such/file.onnx"}, 1, "ASR_SMART_TURN=/no/such/file.onnx"),
    ],
)
async def test_a_bad_setting_stops_it_with_one_clear_line(
    environ: dict[str, str], code: int, named: str
) -> None:
    starting = await launch(*INSTANT, env={"ASR_PORT": str(free_port()), **environ})

    exit_code, said = await starting.ended()

    assert exit_code == code
    (line,) = [line for line in said.splitlines() if not line.startswith("{")]
    assert named in line


async def test_without_a_turn_model_silence_decides_and_it_says_so() -> None:
    environ = {**PATIENT, "ASR_SMART_TURN": "off", "ASR_MAX_CONNECTIONS": "3"}
    async with service(*INSTANT, port_variable="ASR_PORT", env=environ) as running:
        health = (await get(running, "/health")).json()

    assert health["turns"] == "silence"
    assert health["places"]["capacity"] == 3
    assert health["engine"]["name"] == "instant"


async def test_a_service_that_stops_lets_the_turn_finish_and_takes_nobody_new() -> None:
    environ = {**PATIENT, "DRAIN_TIMEOUT_S": "30"}
    async with service(*INSTANT, port_variable="ASR_PORT", env=environ) as running:
        async with (
            client(running.ws, vad={"enabled": False}) as speaking,
            client(running.ws) as idle,
        ):
            await until_places_taken(running, 2)
            await speaking.say(SPEECH)
            await speaking.next("partial")
            running.signal(signal.SIGTERM)

            gone = await idle.next("error")
            await idle.socket.wait_closed()
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"{running.ws}/ws", proxy=None)
            await speaking.say(SPEECH)
            await speaking.send(type="flush")
            final = await speaking.next("final")
            await speaking.next("error")
            await speaking.socket.wait_closed()

        assert (gone["code"], idle.socket.close_code) == ("draining", 1012)
        assert json.loads(refused.value.response.body)["error"]["code"] == "draining"
        assert final["end"] == 2.0
        assert speaking.socket.close_code == 1012
        assert (await running.ended())[0] == 0


async def test_realtime_is_told_of_the_stop_in_its_own_words() -> None:
    environ = {**PATIENT, "DRAIN_TIMEOUT_S": "30"}
    async with (
        service(*INSTANT, port_variable="ASR_PORT", env=environ) as running,
        connect(f"{running.ws}/v1/realtime", proxy=None) as socket,
    ):
        assert json.loads(await socket.recv())["type"] == "session.created"
        running.signal(signal.SIGTERM)
        told = json.loads(await socket.recv())
        await socket.wait_closed()

    assert told["type"] == "error"
    assert told["event_id"]
    assert told["error"]["type"] == "server_error"
    assert told["error"]["code"] == "draining"
    assert socket.close_code == 1012


async def test_an_unknown_model_is_the_clients_mistake() -> None:
    async with (
        service(*INSTANT, port_variable="ASR_PORT", env=PATIENT) as running,
        connect(f"{running.ws}/v1/realtime", proxy=None) as socket,
    ):
        await socket.recv()
        wished = {"audio": {"input": {"transcription": {"model": "parrot"}}}}
        await socket.send(json.dumps({"type": "session.update", "session": wished}))
        told = json.loads(await socket.recv())["error"]

    assert (told["type"], told["code"]) == ("invalid_request_error", "not_found")
