"""The live ASR client against a scripted server that loses its lines."""

import asyncio

import pytest
from websockets.asyncio.server import ServerConnection

from shared import errors
from shared.clients.asr import LINE_LOST, LINE_MENDED, AsrClient
from shared.protocol import asr
from shared.protocol.base import ErrorMessage, Limits, WarningMessage, parse
from tests.doubles.scripted_server import cut, say, scripted

READY = asr.Ready(
    session_id="s",
    model="m",
    engine="e",
    sample_rate=16_000,
    limits=Limits(max_connections=1, max_message_bytes=1),
)
CONFIG = asr.Config(sample_rate=8_000, encoding="mulaw")
"""One byte a sample: a second is 8,000 bytes."""


class Line:
    """The server's end of one connection."""

    def __init__(self, server: ServerConnection) -> None:
        self.server = server
        self.heard = 0

    async def begin(self) -> asr.AsrClientMessage:
        """Greet, and take the configuration."""
        await say(self.server, READY)
        return parse(asr.ASR_CLIENT, str(await self.server.recv()))

    async def hear(self, count: int) -> None:
        """Take so many bytes of audio."""
        while self.heard < count:
            frame = await self.server.recv()
            assert isinstance(frame, bytes)
            self.heard += len(frame)

    async def message(self) -> asr.AsrClientMessage:
        """Take a control message."""
        return parse(asr.ASR_CLIENT, str(await self.server.recv()))


def final(start: float, end: float, segment: int) -> asr.Final:
    return asr.Final(text=f"turn {segment}", start=start, end=end, segment=segment)


async def test_a_stream_from_ready_to_close() -> None:
    async def act(server: ServerConnection) -> None:
        line = Line(server)
        assert await line.begin() == CONFIG
        await line.hear(8_000)
        assert isinstance(await line.message(), asr.Flush)
        await say(server, final(0.0, 1.0, 0))
        assert isinstance(await line.message(), asr.End)

    async with scripted(act) as stage, AsrClient(stage.endpoint, CONFIG) as client:
        assert client.ready == READY
        await client.send(bytes(5_000))
        await client.send(bytes(3_000))
        await client.tell(asr.Flush())
        await client.end()
        assert [message async for message in client] == [final(0.0, 1.0, 0)]
        assert client.sent_s == pytest.approx(1.0)


async def test_a_lost_line_is_told_mended_and_loses_nothing() -> None:
    second_line = asyncio.Event()

    async def first(server: ServerConnection) -> None:
        line = Line(server)
        await line.begin()
        await line.hear(24_000)
        await say(server, final(0.0, 1.0, 0), asr.SpeechStart(timestamp=1.2, segment=1))
        cut(server)

    async def second(server: ServerConnection) -> None:
        line = Line(server)
        assert await line.begin() == CONFIG
        await line.hear(16_000)  # the two seconds that no final covers
        second_line.set()
        await line.hear(24_000)
        assert isinstance(await line.message(), asr.End)
        await say(server, final(0.2, 2.5, 0))

    async with scripted(first, second) as stage, AsrClient(stage.endpoint, CONFIG) as client:
        for _ in range(3):
            await client.send(bytes(8_000))
        received = []
        async for message in client:
            received.append(message)
            if isinstance(message, WarningMessage) and message.code == LINE_MENDED:
                await second_line.wait()
                await client.send(bytes(8_000))
                await client.end()
    codes = [message.code for message in received if isinstance(message, WarningMessage)]
    assert codes == [LINE_LOST, LINE_MENDED]
    assert received[0] == final(0.0, 1.0, 0)
    assert received[-1] == asr.Final(text="turn 0", start=1.2, end=3.5, segment=2)


async def test_a_mended_line_knows_every_config_that_was_told() -> None:
    """A later one names what it changes; the format of the first must not be forgotten."""
    told = asyncio.Event()

    async def first(server: ServerConnection) -> None:
        line = Line(server)
        await line.begin()
        assert await line.message() == asr.Config(language="de")
        told.set()
        cut(server)

    async def second(server: ServerConnection) -> None:
        assert await Line(server).begin() == CONFIG.model_copy(update={"language": "de"})
        await say(server, final(0.0, 1.0, 0))

    async with scripted(first, second) as stage, AsrClient(stage.endpoint, CONFIG) as client:
        await client.tell(asr.Config(language="de"))
        await told.wait()
        received = [type(message) async for message in client]
    assert asr.Final in received


async def test_sending_never_fails_while_the_line_is_lost() -> None:
    async def first(server: ServerConnection) -> None:
        await Line(server).begin()
        cut(server)

    async def second(server: ServerConnection) -> None:
        line = Line(server)
        await line.begin()
        await line.hear(40_000)
        assert isinstance(await line.message(), asr.End)

    async with scripted(first, second) as stage, AsrClient(stage.endpoint, CONFIG) as client:
        for _ in range(40):
            await client.send(bytes(1_000))
        await client.end()
        codes = [message.type async for message in client]
    assert codes == ["warning", "warning"]


async def test_a_draining_service_is_left_for_another() -> None:
    async def first(server: ServerConnection) -> None:
        await Line(server).begin()
        await say(server, ErrorMessage.of(errors.Draining("stopping")))
        await server.close(1012)

    async def second(server: ServerConnection) -> None:
        line = Line(server)
        await line.begin()
        await line.hear(10)

    async with scripted(first, second) as stage, AsrClient(stage.endpoint, CONFIG) as client:
        await client.send(bytes(10))
        kinds = [message.type async for message in client]
    assert kinds == ["error", "warning", "warning"]


async def test_a_refusal_for_good_is_raised() -> None:
    async def act(server: ServerConnection) -> None:
        await Line(server).begin()
        await say(server, ErrorMessage.of(errors.Unauthorized("wrong key")))
        await server.close(1008)

    async with scripted(act) as stage, AsrClient(stage.endpoint, CONFIG) as client:
        with pytest.raises(errors.Unauthorized, match="wrong key"):
            [message async for message in client]
    assert len(stage.requests) == 1


async def test_a_service_that_stays_away_is_told() -> None:
    async def act(server: ServerConnection) -> None:
        await Line(server).begin()
        server.server.close(close_connections=False)
        cut(server)

    async with (
        scripted(act) as stage,
        AsrClient(stage.endpoint, CONFIG, patience_s=0.0) as client,
    ):
        messages = aiter(client)
        assert isinstance(await anext(messages), WarningMessage)
        with pytest.raises(errors.UpstreamFailed, match="not answering"):
            await anext(messages)


async def test_a_reset_is_not_heard_again() -> None:
    async def first(server: ServerConnection) -> None:
        line = Line(server)
        await line.begin()
        await line.hear(8_000)
        assert isinstance(await line.message(), asr.Reset)
        cut(server)

    async def second(server: ServerConnection) -> None:
        line = Line(server)
        await line.begin()
        assert isinstance(await line.message(), asr.End)

    async with scripted(first, second) as stage, AsrClient(stage.endpoint, CONFIG) as client:
        await client.send(bytes(8_000))
        await client.tell(asr.Reset())
        async for message in client:
            if isinstance(message, WarningMessage) and message.code == LINE_MENDED:
                await client.end()


async def test_before_it_is_used_it_is_not_ready() -> None:
    async with scripted(lambda server: server.wait_closed()) as stage:
        with pytest.raises(RuntimeError, match="not connected"):
            _ = AsrClient(stage.endpoint).ready
