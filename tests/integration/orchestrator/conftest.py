"""Scripted neighbours and the conversation service between them."""

from collections.abc import AsyncIterator

import pytest

from tests.doubles.asr_service import ScriptedAsr
from tests.doubles.tts_service import ScriptedTts
from tests.integration.orchestrator.client import House, house


@pytest.fixture
async def asr() -> AsyncIterator[ScriptedAsr]:
    async with ScriptedAsr(["book a table for two"]).running() as service:
        yield service


@pytest.fixture
async def tts() -> AsyncIterator[ScriptedTts]:
    async with ScriptedTts(seconds_per_char=0.03).running() as service:
        yield service


@pytest.fixture
async def direct(asr: ScriptedAsr, tts: ScriptedTts) -> AsyncIterator[House]:
    async with house(asr_url=asr.url, tts_url=tts.url) as service:
        yield service
