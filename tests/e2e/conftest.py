"""The three services as processes, started once for all end-to-end tests."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.running.service import ServiceProcess


@dataclass(frozen=True)
class Stack:
    """The running services."""

    asr: ServiceProcess
    tts: ServiceProcess
    orchestrator: ServiceProcess


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """ASR with PocketSphinx, TTS with espeak-ng, and the conversation between them."""
    with ExitStack() as processes:
        asr = ServiceProcess("asr", ASR_ENGINE="sphinx")
        tts = ServiceProcess("tts", TTS_ENGINE="espeak")
        orchestrator = ServiceProcess("orchestrator", ASR_URL=asr.url, TTS_URL=tts.url)
        yield Stack(*(processes.enter_context(each) for each in (asr, tts, orchestrator)))
