"""The contract suite of all TTS engines, on Chatterbox's real classes with small weights."""

from collections.abc import AsyncIterator

import pytest

from services.tts.engines.base import Engine
from services.tts.engines.chatterbox import text as texts
from services.tts.engines.chatterbox.engine import ChatterboxEngine, Options
from services.tts.engines.chatterbox.variants import Variant
from tests.chatterbox import small
from tests.chatterbox.test_engine import loader
from tests.contract.tts.suite import *  # noqa: F403

LONGEST = 50
"""Tokens of a piece of text: random weights know no end of it, and the budget is generous."""


@pytest.fixture(params=list(Variant), ids=lambda variant: variant.value)
async def engine(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Engine]:
    budget = texts.limits
    monkeypatch.setattr(texts, "limits", lambda spoken: budget(spoken).up_to(LONGEST))
    options = Options(request.param, devices=(str(small.DEVICE),), requests=4)
    engine = ChatterboxEngine(options, loader=loader, watermark=None)
    await engine.start()
    yield engine
    await engine.aclose()
