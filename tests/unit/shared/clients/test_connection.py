"""One typed connection: greeted, answering pings, ending for a reason."""

from http import HTTPStatus

import pytest
from pydantic import SecretStr
from websockets.asyncio.server import ServerConnection

from shared import errors
from shared.clients.connection import Connection, Endpoint, keep_trying
from shared.protocol import asr
from shared.protocol.base import ErrorMessage, Limits, Ping, parse
from tests.doubles.clock import ManualClock
from tests.doubles.scripted_server import Refusal, cut, say, scripted
from tests.running.process import free_port

READY = asr.Ready(
    session_id="s",
    model="m",
    engine="e",
    sample_rate=16_000,
    limits=Limits(max_connections=1, max_message_bytes=1),
)


async def opened(endpoint: Endpoint) -> Connection[asr.AsrServerMessage]:
    return await Connection.open(endpoint, "/ws", asr.ASR_SERVER)


async def test_messages_and_audio_arrive_and_pings_are_answered() -> None:
    async def act(server: ServerConnection) -> None:
        await say(server, READY, Ping(t=7.0), b"audio")
        assert await server.recv() == '{"type":"pong","t":7.0}'
        await say(server, asr.SpeechStart(timestamp=1.0))

    async with scripted(act) as stage:
        connection = await opened(stage.endpoint)
        assert await connection.greeted(asr.Ready) == READY
        received = [message async for message in connection]
    assert received == [b"audio", asr.SpeechStart(timestamp=1.0)]


async def test_the_key_is_sent_and_not_shown() -> None:
    async def act(server: ServerConnection) -> None:
        await say(server, READY)

    async with scripted(act) as stage:
        endpoint = Endpoint(stage.endpoint.url, key=SecretStr("secret-key"))
        connection = await opened(endpoint)
        await connection.close()
    assert stage.requests[0].headers["Authorization"] == "Bearer secret-key"
    assert "secret-key" not in repr(endpoint)


async def test_nobody_there() -> None:
    endpoint = Endpoint(f"http://127.0.0.1:{free_port()}", "ASR service")
    with pytest.raises(errors.UpstreamFailed, match="ASR service is not answering at http"):
        await opened(endpoint)


@pytest.mark.parametrize(
    "url", ["", "nonsense", "http://", "ftp://host", "http://[", "http://host:port", "host:8001"]
)
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(errors.InvalidRequest, match="is no address such as"):
        Endpoint(url)


async def test_a_refused_handshake_says_why() -> None:
    body = '{"error":{"message":"all places are taken","type":"x","code":"at_capacity"}}'
    refusal = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, body, retry_after="7")
    async with scripted(refusal) as stage:
        with pytest.raises(errors.AtCapacity, match="all places") as caught:
            await opened(stage.endpoint)
    assert caught.value.retry_after_s == 7.0


async def test_an_error_before_the_close_says_more_than_the_close_code() -> None:
    told = ErrorMessage.of(errors.NotFound("no such session"))

    async def act(server: ServerConnection) -> None:
        await say(server, told)
        await server.close(1008)

    async with scripted(act) as stage:
        connection = await opened(stage.endpoint)
        assert await connection.receive() == told
        with pytest.raises(errors.NotFound, match="no such session"):
            await connection.receive()


async def test_an_error_instead_of_a_greeting() -> None:
    async def act(server: ServerConnection) -> None:
        await say(server, ErrorMessage.of(errors.Draining("stopping")))
        await server.wait_closed()

    async with scripted(act) as stage:
        connection = await opened(stage.endpoint)
        with pytest.raises(errors.Draining):
            await connection.greeted(asr.Ready)


async def test_silence_instead_of_a_greeting() -> None:
    async def act(server: ServerConnection) -> None:
        await server.wait_closed()

    async with scripted(act) as stage:
        endpoint = Endpoint(stage.endpoint.url, "mute service", open_timeout_s=0.2)
        connection = await opened(endpoint)
        with pytest.raises(errors.UpstreamFailed, match="mute service is not answering"):
            await connection.greeted(asr.Ready)


async def test_a_cut_line_is_an_upstream_failure() -> None:
    async def act(server: ServerConnection) -> None:
        cut(server)

    async with scripted(act) as stage:
        connection = await opened(stage.endpoint)
        with pytest.raises(errors.UpstreamFailed):
            await connection.receive()
        with pytest.raises(errors.UpstreamFailed):
            await connection.send(b"more")


async def test_a_message_from_another_version_is_named() -> None:
    async def act(server: ServerConnection) -> None:
        await server.send('{"type":"telepathy"}')
        await server.wait_closed()

    async with scripted(act) as stage:
        connection = await opened(stage.endpoint)
        with pytest.raises(errors.UpstreamFailed, match="telepathy"):
            await connection.receive()
        await connection.close()


class Flaky:
    """Fails with the errors given, then works."""

    def __init__(self, *failures: errors.ParleyError) -> None:
        self.failures = list(failures)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "line"


async def test_trying_goes_on_until_it_works() -> None:
    flaky = Flaky(errors.AtCapacity("full"), errors.UpstreamFailed("gone"))
    line = await keep_trying(
        flaky, patience_s=10, clock=ManualClock(), pauses=iter([0.0, 0.0, 0.0])
    )
    assert (line, flaky.calls) == ("line", 3)


async def test_what_cannot_be_mended_is_not_tried_again() -> None:
    flaky = Flaky(errors.Unauthorized("wrong key"))
    with pytest.raises(errors.Unauthorized):
        await keep_trying(flaky, patience_s=10, clock=ManualClock(), pauses=iter([0.0, 0.0]))
    assert flaky.calls == 1


async def test_patience_ends_before_a_pause_that_would_outlast_it() -> None:
    flaky = Flaky(errors.AtCapacity("full", retry_after_s=30))
    with pytest.raises(errors.AtCapacity):
        await keep_trying(flaky, patience_s=10, clock=ManualClock(), pauses=iter([0.0]))
    assert flaky.calls == 1


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://host:1", "ws://host:1/ws"),
        ("https://host/base/", "wss://host/base/ws"),
        ("ws://host:1", "ws://host:1/ws"),
    ],
)
def test_addresses_of_sockets(url: str, address: str) -> None:
    assert Endpoint(url).websocket("/ws") == address


def test_greeting_is_a_wire_message() -> None:
    assert parse(asr.ASR_SERVER, READY.wire()) == READY
