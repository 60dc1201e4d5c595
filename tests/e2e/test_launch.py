"""`make run`, as processes: ready, told, stopped, and clear about what is wrong."""

import json
import signal
import socket
import urllib.request
from pathlib import Path

import psutil

from tests.e2e.launcher import PATIENCE_S, launched

SERVICES = ("asr", "tts", "orchestrator")


def test_the_stack_starts_tells_and_stops(tmp_path: Path) -> None:
    with launched(tmp_path) as launcher:
        screen = launcher.read_until("Ctrl-C stops everything")
        for service in SERVICES:
            assert launcher.url(service) in screen
            with urllib.request.urlopen(f"{launcher.url(service)}/health", timeout=10) as answer:
                health = json.load(answer)
            if service != "orchestrator":
                assert health["engine"]["name"] in screen
                assert health["engine"]["reason"] in " ".join(screen.split())  # it is wrapped
        started = launcher.services()
        assert len(started) >= len(SERVICES)

        assert launcher.stop(signal.SIGINT) == 0
        assert not [process for process in started if process.is_running()]
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "asr.log",
            "orchestrator.log",
            "tts.log",
        ]


def test_a_killed_launcher_leaves_no_service(tmp_path: Path) -> None:
    with launched(tmp_path) as launcher:
        launcher.read_until("Ctrl-C stops everything")
        started = launcher.services()
        launcher.process.kill()
        _, alive = psutil.wait_procs(started, timeout=PATIENCE_S)
        assert not alive


def test_a_service_that_dies_is_named_and_the_others_stop(tmp_path: Path) -> None:
    with launched(tmp_path) as launcher:
        launcher.read_until("Ctrl-C stops everything")
        started = launcher.services()
        [tts] = [process for process in started if "services.tts" in process.cmdline()]
        tts.kill()
        assert launcher.finish() == 1
        assert "error: tts was ended by SIGKILL" in launcher.said
        assert not [process for process in started if process.is_running()]


def test_a_bad_setting_is_shown_as_the_service_tells_it(tmp_path: Path) -> None:
    with launched(tmp_path, TTS_ENGINE="gramophone") as launcher:
        assert launcher.finish() == 1
    assert "error: tts stopped with code 2" in launcher.said
    assert "TTS_ENGINE='gramophone'" in launcher.said
    assert "Traceback" not in launcher.said


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    with launched(tmp_path, ASR_ENGIN="auto") as launcher:
        assert launcher.finish() == 1
    assert "ASR_ENGIN: no such setting; did you mean ASR_ENGINE?" in launcher.said


def test_a_port_in_use_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with launched(tmp_path, TTS_PORT=str(port), HOST="0.0.0.0") as launcher:
            assert launcher.finish() == 1
    assert f"error: tts cannot listen on 0.0.0.0:{port}: Address already in use" in launcher.said
    assert f"TTS_PORT={port + 100} make run" in launcher.said
    assert "warning: HOST=0.0.0.0 lets every machine" in launcher.said
    assert not list(tmp_path.iterdir())


def test_an_address_of_another_machine_is_no_matter_of_ports(tmp_path: Path) -> None:
    with launched(tmp_path, HOST="192.0.2.1") as launcher:
        assert launcher.finish() == 1
    assert "cannot listen on 192.0.2.1" in launcher.said
    assert "remedy: set HOST to an address of this machine" in launcher.said


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with launched(tmp_path / "file" / "logs") as launcher:
        assert launcher.finish() == 1
    assert f"error: {tmp_path / 'file' / 'logs'}: Not a directory" in launcher.said
    assert "Traceback" not in launcher.said
