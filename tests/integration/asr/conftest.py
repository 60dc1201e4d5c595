"""The ASR service as a process, shared by a module's tests."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.running.process import Process, service

PATIENT = {"LOG_LEVEL": "ERROR", "ASR_SMART_TURN_DEADLINE_MS": "5000", "OMP_NUM_THREADS": "1"}
"""A busy machine must not decide which turns end how."""
IMPATIENT = {"PING_INTERVAL_S": "0.4", "PEER_TIMEOUT_S": "5"}
"""Frozen clients are let go while the test waits."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sphinx() -> AsyncIterator[Process]:
    """With PocketSphinx, and a place for everybody."""
    environ = {**PATIENT, "ASR_ENGINE": "sphinx", "ASR_SPHINX_DECODERS": "30"}
    async with service("-m", "services.asr", port_variable="ASR_PORT", env=environ) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def instant() -> AsyncIterator[Process]:
    """With an engine that answers at once, and little patience with the frozen."""
    environ = {**PATIENT, **IMPATIENT}
    async with service(
        "-m", "tests.doubles.instant_asr", port_variable="ASR_PORT", env=environ
    ) as running:
        yield running
