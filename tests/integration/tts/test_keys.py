"""Keys, limits and a full house, as OpenAI's client and the native socket are told of them."""

from collections.abc import Iterator

import httpx
import openai
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.integration.tts.client import Client, client
from tests.running.service import ServiceProcess

SPEECH = {"model": "tts-1", "voice": "alloy", "response_format": "pcm"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """Two keys, one place, twenty requests a minute."""
    settings = {
        "API_KEYS": "alice-key,bob-key",
        "RATE_LIMIT_PER_MINUTE": "20",
        "TTS_MAX_CONNECTIONS": "1",
        "TTS_VOICE_DIR": str(tmp_path_factory.mktemp("voices")),
    }
    with ServiceProcess("tts", module="tests.doubles.instant_tts", **settings) as service:
        yield service


def speak(service: ServiceProcess, key: str) -> bytes:
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key=key, max_retries=0) as api:
        return api.audio.speech.create(input="Hello there.", **SPEECH).content  # type: ignore[arg-type]


def test_no_key_is_an_authentication_error(guarded: ServiceProcess) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        speak(guarded, "wrong-key")
    assert caught.value.code == "unauthorized"
    with (
        openai.OpenAI(base_url=f"{guarded.url}/v1", api_key="wrong-key", max_retries=0) as api,
        pytest.raises(openai.AuthenticationError),
    ):
        api.models.list()
    assert speak(guarded, "alice-key")


async def test_the_socket_takes_a_key_as_header_and_as_subprotocol(guarded: ServiceProcess) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(guarded.ws)
    assert refused.value.response.status_code == 401
    headers = {"authorization": "Bearer alice-key"}
    async with client(guarded, additional_headers=headers) as peer:
        await peer.send(type="synthesize", request_id="r", text="Hello.")
        await peer.until("synthesis_complete")
    protocols = ["realtime", "openai-insecure-api-key.alice-key"]
    async with client(guarded, subprotocols=protocols) as peer:
        assert isinstance(peer, Client)
        assert peer.socket.subprotocol == "realtime"


async def test_the_socket_takes_a_token_from_the_key(guarded: ServiceProcess) -> None:
    headers = {"authorization": "Bearer alice-key"}
    async with httpx.AsyncClient(base_url=guarded.url, headers=headers) as http:
        made = await http.post("/v1/realtime/client_secrets")
    protocols = ["parley", f"openai-insecure-api-key.{made.json()['value']}"]
    async with client(guarded, subprotocols=protocols) as peer:
        assert peer.socket.subprotocol == "parley"


async def test_a_full_house_is_a_server_error_that_may_be_tried_again(
    guarded: ServiceProcess,
) -> None:
    headers = {"authorization": "Bearer alice-key"}
    async with client(guarded, additional_headers=headers):
        with pytest.raises(openai.InternalServerError) as caught:
            speak(guarded, "alice-key")
    assert caught.value.status_code == 503
    assert caught.value.code == "at_capacity"
    assert int(caught.value.response.headers["retry-after"]) >= 1


def test_asking_too_often_is_a_rate_limit_error(guarded: ServiceProcess) -> None:
    def hurry() -> None:
        for _ in range(60):
            speak(guarded, "bob-key")

    with pytest.raises(openai.RateLimitError) as caught:
        hurry()
    assert caught.value.code == "rate_limited"
    assert int(caught.value.response.headers["retry-after"]) >= 1


async def test_a_frame_that_is_too_long_closes_the_socket(tts: ServiceProcess) -> None:
    async with client(tts) as peer:
        await peer.send(
            type="register_voice",
            voice_id="big",
            reference_audio="A" * (17 * 1024 * 1024),
            consent=True,
        )
        await peer.socket.wait_closed()
    assert peer.socket.close_code == 1009
