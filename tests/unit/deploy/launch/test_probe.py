import errno
import socket
from collections.abc import Callable

import pytest

from deploy.launch import probe
from deploy.launch.process import Process


def test_a_port_is_free_until_somebody_listens(free_port: int) -> None:
    assert probe.why_not_listen("127.0.0.1", free_port) is None
    with socket.create_server(("127.0.0.1", free_port)):
        error = probe.why_not_listen("127.0.0.1", free_port)
        assert error is not None
        assert error.errno == errno.EADDRINUSE
    assert probe.why_not_listen("127.0.0.1", free_port) is None


def test_an_address_of_another_machine_is_refused(free_port: int) -> None:
    error = probe.why_not_listen("192.0.2.1", free_port)
    assert error is not None
    assert error.errno == errno.EADDRNOTAVAIL


def test_nobody_there_is_not_ready(free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    assert not probe.ready(url)
    assert probe.health(url) == {}


def test_a_proxy_in_the_environment_is_not_asked(
    service: Callable[[], Process], free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    process = service()
    try:
        url = f"http://127.0.0.1:{free_port}"
        while not probe.ready(url):
            assert process.exit_code is None
        assert probe.health(url)["engine"]["name"] == "sphinx"
    finally:
        process.kill()
