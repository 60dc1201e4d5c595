import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from deploy.launch.process import Process
from deploy.launch.stack import Stack, Stop
from deploy.problem import Problem
from tests.unit.deploy.launch.conftest import Spawn

STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
while True:
    signal.pause()
"""


def test_it_waits_until_every_service_is_ready_and_stops_them(
    service: Callable[[], Process], free_port: int
) -> None:
    stop = Stop()
    started: list[Process] = []

    def start() -> Process:
        started.append(service())
        return started[-1]

    with Stack([start], stop).running() as stack:
        assert stack.wait_ready({"asr": f"http://127.0.0.1:{free_port}"})
        stop.event.set()
        stack.watch()
    assert started[0].exit_code == -signal.SIGTERM


def test_a_service_that_dies_is_named_with_its_own_words(spawn: Spawn, free_port: int) -> None:
    starts = [lambda: spawn("import sys; sys.exit('ASR_MODEL=x: no such model')")]
    with Stack(starts, Stop()).running() as stack, pytest.raises(Problem) as caught:
        stack.wait_ready({"asr": f"http://127.0.0.1:{free_port}"})
    assert caught.value.what == "asr stopped with code 1:\n  ASR_MODEL=x: no such model"
    assert "asr.log" in caught.value.remedy


def test_a_service_ended_by_a_signal_is_said_to_be(
    service: Callable[[], Process], free_port: int
) -> None:
    with Stack([service], Stop()).running() as stack:
        assert stack.wait_ready({"asr": f"http://127.0.0.1:{free_port}"})
        os.kill(stack._processes[0].pid, signal.SIGKILL)
        with pytest.raises(Problem, match="asr was ended by SIGKILL"):
            stack.watch()


def test_a_start_that_fails_leaves_none_behind(service: Callable[[], Process]) -> None:
    def broken() -> Process:
        raise OSError("no such program")

    stack = Stack([service, broken], Stop())
    with pytest.raises(OSError, match="no such program"), stack.running():
        pass
    assert stack._processes[0].exit_code is not None


def test_one_that_ignores_the_request_is_killed_at_once_when_hurried(spawn: Spawn) -> None:
    stop = Stop()
    with Stack([lambda: spawn(STUBBORN)], stop).running() as stack:
        [process] = stack._processes
        assert process.log is not None
        while "deaf" not in process.log.read_text():
            assert process.exit_code is None
        stop.event.set()
        stop.hurried = True
    assert process.exit_code == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_asks_to_stop_and_a_second_one_hurries(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    seen = []
    with Stop().listening() as stop:
        for _ in range(2):
            signal.raise_signal(number)
            seen.append((stop.event.is_set(), stop.hurried))
    assert seen == [(True, False), (True, True)]
    assert signal.getsignal(number) is before


def test_waiting_ends_when_told_to_stop(service: Callable[[], Process]) -> None:
    stop = Stop()
    with Stack([service], stop).running() as stack:
        threading.Thread(target=stop.event.set).start()
        began = time.monotonic()
        assert not stack.wait_ready({"asr": "http://127.0.0.1:9"})
    assert time.monotonic() - began < 30
