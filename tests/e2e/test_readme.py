"""The examples of README.md, as they stand there, against the stack that `make run` starts."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.launch.settings import PORTS
from deploy.locks.lock import ROOT
from tests.e2e.launcher import Launcher, launched

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line
    for language, text in BLOCKS
    for line in text.splitlines()
    if language == "sh" and line.startswith(".venv/bin/python ")
]
SCRIPTS = [text for language, text in BLOCKS if language == "python"]
CURL = next(text for _, text in BLOCKS if text.startswith("curl "))
VARIABLES = {"asr": "PARLEY_ASR_URL", "tts": "PARLEY_TTS_URL", "orchestrator": "PARLEY_URL"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    with launched(tmp_path_factory.mktemp("logs")) as launcher:
        launcher.read_until("Ctrl-C stops everything")
        yield launcher


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, stack: Launcher) -> Path:
    """Where the README's commands have been run, in their order."""
    here = tmp_path_factory.mktemp("reader")
    for command in COMMANDS:
        run(here, stack, *shlex.split(command)[1:])
    return here


def run(here: Path, stack: Launcher, *arguments: str) -> str:
    urls = {variable: stack.url(service) for service, variable in VARIABLES.items()}
    environ = {**os.environ, **urls, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=here,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def moved(text: str, stack: Launcher) -> str:
    """What the README says, with the ports of this stack."""
    for service, port in PORTS.items():
        text = text.replace(f"127.0.0.1:{port}", stack.url(service).removeprefix("http://"))
    return text


def test_there_is_a_command_for_each_verb() -> None:
    verbs = {shlex.split(command)[3] for command in COMMANDS}
    assert verbs == {"say", "transcribe", "talk"}


def test_the_commands_leave_speech_behind(folder: Path) -> None:
    for name in ("morning.wav", "reply.wav"):
        with wave.open(str(folder / name)) as audio:
            assert audio.getnframes() / audio.getframerate() > 0.5


@pytest.mark.parametrize(
    ("script", "printed"),
    list(zip(SCRIPTS, (r"^final \w+", r"\A\w+"), strict=True)),
    ids=["websockets", "openai"],
)
def test_the_scripts_print_what_was_said(
    script: str, printed: str, folder: Path, stack: Launcher
) -> None:
    said = run(folder, stack, "-c", moved(script, stack))
    assert re.search(printed, said, re.MULTILINE), said


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_curl_speaks_and_transcribes(folder: Path, stack: Launcher) -> None:
    done = subprocess.run(
        ["bash", "-euc", moved(CURL, stack)],
        cwd=folder,
        env={**os.environ, "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["text"]


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert not [link for link in links if "://" not in link and not (ROOT / link).exists()]


def test_every_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE)):
        assert f"\n{target}:" in makefile
