"""The ASR service with an engine that answers at once: ``python -m tests.doubles.instant_asr``.

Everything but the engine is real. It carries as many streams as there may be places.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.asr.app import build
from services.asr.config import AsrSettings
from shared.web.server import main
from shared.web.service import Service
from tests.doubles.asr_engine import InstantEngine


@asynccontextmanager
async def build_instant(settings: AsrSettings) -> AsyncIterator[Service]:
    """The service around the instant engine."""
    async with build(settings, InstantEngine(settings.max_connections)) as service:
        yield service


if __name__ == "__main__":
    sys.exit(main("asr", AsrSettings, build_instant))
