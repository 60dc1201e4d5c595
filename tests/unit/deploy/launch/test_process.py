import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy.launch.process import Process
from deploy.locks.lock import ROOT
from tests.unit.deploy.launch.conftest import Spawn

STAY = "import signal; signal.pause()"
WITH_CHILD = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-I", "-c", "{STAY}"])
print(child.pid, flush=True)
child.wait()
"""
LAUNCHER = f"""
import sys
from pathlib import Path
from deploy.launch.process import Process
process = Process("asr", [sys.executable, "-I", "-c", "{STAY}"], Path("."), {{}}, None)
print(process.pid, flush=True)
process._process.wait()
"""


def gone(pid: int) -> bool:
    """Wait for a process that is no child of ours to end."""
    try:
        psutil.Process(pid).wait(timeout=10)
    except psutil.NoSuchProcess:
        return True
    return not psutil.pid_exists(pid)


def test_killing_a_service_ends_what_it_started(spawn: Spawn) -> None:
    process = spawn(WITH_CHILD)
    assert process.log is not None
    while not (said := process.log.read_text()).endswith("\n"):
        assert process.exit_code is None

    process.kill()

    assert process.exit_code == -signal.SIGKILL
    assert gone(int(said))


def test_a_service_dies_with_a_launcher_that_is_killed(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER], stdout=subprocess.PIPE, text=True, env=environ
    )
    assert launcher.stdout is not None
    with launcher.stdout as said:
        pid = int(said.readline())
    launcher.kill()
    launcher.wait()
    assert gone(pid)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; sys.exit('ASR_PORT=x: not a number')", ["ASR_PORT=x: not a number"]),
        ("raise RuntimeError('no weights')", ["RuntimeError: no weights"]),
        ("""print('{"level": "ERROR", "message": "no weights"}')""", ["no weights"]),
        ("print('{half')", ["{half"]),
        ("pass", []),
    ],
)
def test_last_words_are_the_line_that_tells(spawn: Spawn, script: str, words: list[str]) -> None:
    process = spawn(script)
    process._process.wait()
    assert process.last_words() == words


def test_the_log_of_the_previous_start_is_kept(spawn: Spawn, tmp_path: Path) -> None:
    for text in ("first", "second"):
        spawn(f"print('{text}')")._process.wait()
    assert (tmp_path / "asr.log").read_text() == "second\n"
    assert (tmp_path / "asr.log.1").read_text() == "first\n"


def test_without_a_log_file_nothing_is_quoted(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-c", "pass"]
    process = Process("asr", command, tmp_path, {}, None)
    process._process.wait()
    assert process.last_words() == []
