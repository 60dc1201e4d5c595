"""The command line as its own process, against the three real services."""

import asyncio
import os
import re
import sys
import wave
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.clients.commands.talk import STAGES
from tests.e2e.conftest import Stack
from tests.running.process import ROOT

SENTENCE = "What is the weather like in London today?"


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Terminal:
    """Runs commands in a folder."""

    stack: Stack
    folder: Path

    async def run(self, *words: object) -> Ran:
        """A command, to its end."""
        process = await self.start(*words)
        out, err = await process.communicate()
        return Ran(process.returncode or 0, out.decode(), err.decode())

    async def start(
        self, *words: object, stdout: int = asyncio.subprocess.PIPE
    ) -> asyncio.subprocess.Process:
        """``python -m shared.clients`` with these words."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "shared.clients",
            *map(str, words),
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "PARLEY_ASR_URL": self.stack.asr.url,
                "PARLEY_TTS_URL": self.stack.tts.url,
                "PARLEY_URL": self.stack.orchestrator.url,
            },
            stdout=stdout,
            stderr=asyncio.subprocess.PIPE,
        )


@pytest.fixture
def terminal(stack: Stack, tmp_path: Path) -> Terminal:
    return Terminal(stack, tmp_path)


async def test_say_then_transcribe_then_talk(terminal: Terminal) -> None:
    said = await terminal.run("say", SENTENCE, "-o", "said.wav")
    assert (said.code, said.err) == (0, "")
    with wave.open(str(terminal.folder / "said.wav")) as file:
        assert file.getframerate() == 24_000
        assert 1.0 < file.getnframes() / 24_000 < 6.0
    heard = await terminal.run("transcribe", "said.wav")
    assert (heard.code, heard.err) == (0, "")
    assert len(heard.out.split()) >= 3
    await converse(terminal)


async def test_a_reader_that_has_seen_enough_is_no_error(terminal: Terminal) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = await terminal.start("voices", stdout=writer)
    os.close(writer)
    _, err = await process.communicate()
    assert (process.returncode, err) == (1, b"")


async def test_the_voices_are_listed(terminal: Terminal) -> None:
    voices = await terminal.run("voices")
    assert voices.code == 0
    assert re.search(r"^\*  en-us ", voices.out, re.MULTILINE)
    assert re.search(r"^   alloy .* stands for ", voices.out, re.MULTILINE)


async def test_what_goes_wrong_is_one_line(terminal: Terminal) -> None:
    path = terminal.folder / "bad.wav"
    path.write_bytes(b"this is text" * 100)
    bad = await terminal.run("transcribe", path)
    assert bad.code == 1
    assert re.fullmatch(r"error: .*bad\.wav: not a sound file .*\n", bad.err)
    unknown = await terminal.run("say", "Hello.", "--voice", "nobody")
    assert unknown.code == 1
    assert re.fullmatch(r"error: .*nobody.*\n", unknown.err)


async def converse(terminal: Terminal) -> None:
    """Talk; every stage has its latency, and the reply is as long as the file says."""
    ran = await terminal.run("talk", "said.wav", "-o", "reply.wav")
    assert ran.code == 0, ran.err
    assert re.search(r"^you:    \w+", ran.out, re.MULTILINE)
    assert re.search(r"^parley: \w+", ran.out, re.MULTILINE)
    for name, label in STAGES:
        if name != "llm_ttft_ms":
            assert re.search(rf"{label} +\d+ ms", ran.out), ran.out
    assert re.search(r"came \d+ ms before its synthesis was finished", ran.out), ran.out
    with wave.open(str(terminal.folder / "reply.wav")) as file:
        seconds = file.getnframes() / 24_000
    assert f"reply.wav: {seconds:.2f} s of reply" in ran.out
    assert seconds > 0.5
