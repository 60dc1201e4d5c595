"""A page's way in: a token from a key, made and used with the `openai` package."""

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.running.service import ServiceProcess


@pytest.fixture(scope="module")
def guarded() -> Iterator[ServiceProcess]:
    """With a key."""
    environ = {"API_KEYS": "alice-key", "ASR_SMART_TURN": "off"}
    with ServiceProcess("asr", module="tests.doubles.instant_asr", **environ) as service:
        yield service


def client(service: ServiceProcess, key: str) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{service.url}/v1", api_key=key, max_retries=0)


async def opened(connection: AsyncRealtimeConnection) -> dict[str, object]:
    """What the session is, as the first event tells it."""
    event = await connection.recv()
    assert event.type == "session.created"
    return event.session.to_dict()


async def test_the_session_asked_for_with_the_key_is_the_one_the_page_opens(
    guarded: ServiceProcess,
) -> None:
    wanted: Any = {"transcription": {"language": "de"}, "turn_detection": None}
    async with client(guarded, "alice-key") as owner:
        secret = await owner.realtime.client_secrets.create(
            session={"type": "transcription", "audio": {"input": wanted}}
        )
    assert secret.session.type == "transcription"
    assert secret.session.audio.input.transcription.language == "de"  # type: ignore[union-attr]
    async with (
        client(guarded, secret.value) as page,
        page.realtime.connect(extra_query={"intent": "transcription"}) as connection,
    ):
        session = await opened(connection)
    heard = session["audio"]["input"]  # type: ignore[index]
    assert heard["transcription"]["language"] == "de"
    assert heard["turn_detection"] is None


async def test_a_browser_comes_in_with_a_token_on_every_socket(guarded: ServiceProcess) -> None:
    async with client(guarded, "alice-key") as owner:
        secret = await owner.realtime.client_secrets.create()
    offered = [
        Subprotocol("realtime"),
        Subprotocol(f"openai-insecure-api-key.{secret.value}"),
    ]
    for path in ("/ws", "/v1/realtime"):
        address = guarded.ws.removesuffix("/ws") + path
        with pytest.raises(InvalidStatus) as refused:
            await connect(address, proxy=None)
        assert refused.value.response.status_code == 401
        async with connect(address, subprotocols=offered, proxy=None) as socket:
            assert socket.subprotocol == "realtime"
            assert await socket.recv()


async def test_fields_that_mean_nothing_here_are_logged_once(guarded: ServiceProcess) -> None:
    wanted: Any = {"type": "transcription", "tools": [], "audio": {"output": {"voice": "alloy"}}}
    async with (
        client(guarded, "alice-key") as owner,
        owner.realtime.connect(extra_query={"intent": "transcription"}) as connection,
    ):
        await connection.recv()
        for changed in (wanted, wanted, wanted | {"tracing": "auto"}):
            await connection.session.update(session=changed)
            await connection.recv()
    await asyncio.to_thread(guarded.until_logged, '"fields": ["tracing"]')
    told = [line for line in tuple(guarded.log) if "ignored fields" in line]
    assert ['["audio.output", "tools"]' in line for line in told] == [True, False]


async def test_a_conversation_is_no_transcription(guarded: ServiceProcess) -> None:
    async with client(guarded, "alice-key") as owner:
        with pytest.raises(openai.BadRequestError) as refused:
            await owner.realtime.client_secrets.create(session={"type": "realtime"})
    assert refused.value.param == "session.type"
