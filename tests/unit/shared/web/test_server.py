"""Start, refusal and the orderly end, with a real process and real sockets."""

import asyncio
import signal
import socket
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
import websockets

from shared.web.server import listen
from tests.running.process import Process, free_port, launch, service

ECHO = "tests/unit/shared/web/echo.py"


def echo(**env: str) -> AbstractAsyncContextManager[Process]:
    return service(ECHO, port_variable="ECHO_PORT", env=env)


@pytest.mark.parametrize(
    ("env", "line"),
    [
        ({"ECHO_PORT": "port"}, "ECHO_PORT='port'"),
        ({"ECHO_PROT": "1"}, "ECHO_PROT: no such setting; did you mean ECHO_PORT?"),
        ({"HOST": "no.such.host.invalid"}, "HOST=no.such.host.invalid"),
        ({"HOST": "192.0.2.1"}, "Cannot assign requested address; set HOST to an address here"),
    ],
)
async def test_a_bad_setting_is_one_line_and_exit_code_2(env: dict[str, str], line: str) -> None:
    code, said = await (await launch(ECHO, env=env)).ended()
    assert code == 2
    assert line in said
    assert len(said.splitlines()) == 1


def test_every_accepted_connection_is_asked_whether_it_lives() -> None:
    """Also by protocols without pings: the kernel asks, and 45 s of no answer end it."""
    with listen("127.0.0.1", 0) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            asks = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            after_s = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
            limit_ms = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)

    assert (bool(asks), after_s, limit_ms) == (True, 15, 45_000)


async def test_a_port_in_use_is_told_before_anything_is_loaded() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, said = await (await launch(ECHO, env={"ECHO_PORT": port})).ended()
    assert code == 2
    assert f"port {port} on 127.0.0.1: Address already in use" in said


async def test_an_engine_that_cannot_load_stops_the_service_with_the_reason() -> None:
    env = {"ECHO_PORT": str(free_port()), "ECHO_BROKEN": "true"}
    code, said = await (await launch(ECHO, env=env)).ended()
    assert code == 1
    assert "cannot start: no weights; set ECHO_BROKEN=false" in said


async def test_sigterm_lets_who_is_there_finish_and_nobody_in() -> None:
    async with echo() as process:
        async with websockets.connect(f"{process.ws}/ws") as client:
            await client.send(b"before")
            assert await client.recv() == b"before"
            process.signal(signal.SIGTERM)
            async with httpx.AsyncClient() as http:
                while (await http.get(f"{process.http}/ready")).is_success:
                    await asyncio.sleep(0.02)
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(f"{process.ws}/ws")
            assert refused.value.response.status_code == 503
            await client.send(b"after")
            assert await client.recv() == b"after"
            await client.send('{"type":"end"}')
        code, _ = await process.ended()
        assert code == 0


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]])
async def test_sigint_or_a_second_signal_stops_at_once(signals: list[signal.Signals]) -> None:
    async with echo() as process, websockets.connect(f"{process.ws}/ws") as client:
        for number in signals:
            process.signal(number)
            await asyncio.sleep(0.1)
        with pytest.raises(websockets.ConnectionClosed):
            await client.recv()
        code, said = await process.ended()
        assert code == 0
        assert "ERROR" not in said


async def test_the_drain_has_an_end() -> None:
    async with echo(DRAIN_TIMEOUT_S="0.3") as process:
        async with websockets.connect(f"{process.ws}/ws") as client:
            process.signal(signal.SIGTERM)
            with pytest.raises(websockets.ConnectionClosed):
                await client.recv()
        assert (await process.ended())[0] == 0


async def test_one_more_than_there_are_places_is_refused_until_one_leaves() -> None:
    async with echo() as process:
        url = f"{process.ws}/ws"
        async with websockets.connect(url):
            async with websockets.connect(url):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(url)
                assert refused.value.response.headers["Retry-After"]
            async with httpx.AsyncClient() as http:
                while (await http.get(f"{process.http}/health")).json()["places"]["taken"] > 1:
                    await asyncio.sleep(0.02)
            async with websockets.connect(url) as third:
                await third.send(b"in")
                assert await third.recv() == b"in"


async def test_a_frame_beyond_the_limit_closes_with_1009() -> None:
    async with echo() as process, websockets.connect(f"{process.ws}/ws") as client:
        await client.send(bytes(16 * 1024 * 1024 + 1))
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
