"""The composition root of the ASR service."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.routing import WebSocketRoute

from services.asr.config import AsrSettings
from services.asr.engines.base import Engine
from services.asr.engines.registry import start_engine
from services.asr.engines.silero import SileroModel
from services.asr.engines.smart_turn import FILE_NAME, SmartTurn, find_model
from services.asr.metrics import AsrMetrics
from services.asr.pipeline.catalogue import Catalogue
from services.asr.pipeline.files import FileTranscriber
from services.asr.pipeline.hearing import Hearing
from services.asr.pipeline.jobs import Jobs
from services.asr.routes.api import OPERATIONS
from services.asr.routes.jobs import JobsDoor
from services.asr.routes.openai import OpenAI
from services.asr.routes.realtime import Realtime
from services.asr.routes.stream import Stream
from services.asr.routes.uploads import FileLimits
from shared.clock import SystemClock
from shared.errors import EngineUnavailable
from shared.web import openapi, page
from shared.web.client_secrets import ClientSecrets
from shared.web.health import Health
from shared.web.keyring import Keyring
from shared.web.liveness import Liveness
from shared.web.places import Places
from shared.web.service import Service, assemble

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
"""The page."""


@asynccontextmanager
async def build(settings: AsrSettings, engine: Engine | None = None) -> AsyncIterator[Service]:
    """Load everything, yield the service, unload.

    Args:
        engine: a started engine to use instead of the one that the settings name.

    Raises:
        EngineUnavailable: what was asked for by name cannot be loaded.
    """
    metrics = AsrMetrics()
    async with AsyncExitStack() as stack:
        engine = engine or await start_engine(settings, metrics)
        stack.push_async_callback(engine.aclose)
        turn_model = _turn_model(settings, metrics)
        if turn_model is not None:
            stack.callback(turn_model.close)
        hearing = Hearing(
            engine=engine,
            open_detector=SileroModel().open,
            turn_model=turn_model,
            catalogue=Catalogue(),
            metrics=metrics,
            clock=SystemClock(),
            max_turn_s=settings.max_turn_s,
            final_timeout_s=settings.final_timeout_s,
        )
        jobs = Jobs(
            _transcriber(hearing, at_once=2),
            hearing.clock,
            most=settings.max_jobs,
            ttl_s=settings.job_ttl_s,
        )
        await stack.enter_async_context(_working(jobs))
        yield _service(settings, hearing, jobs)


def _transcriber(hearing: Hearing, *, at_once: int) -> FileTranscriber:
    def count(reason: str) -> None:
        hearing.metrics.suppressed.labels(reason).inc()

    return FileTranscriber(
        hearing.engine, hearing.open_detector, at_once=at_once, on_suppressed=count
    )


@asynccontextmanager
async def _working(jobs: Jobs) -> AsyncIterator[None]:
    """Jobs are worked off while the context lasts."""
    work = asyncio.create_task(jobs.run(), name="jobs")
    try:
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


def _service(settings: AsrSettings, hearing: Hearing, jobs: Jobs) -> Service:
    places = Places(min(settings.max_connections, hearing.engine.info.capacity), hearing.metrics)
    liveness = Liveness(settings.ping_interval_s, settings.peer_timeout_s)
    links = {
        "stream": "/ws",
        "realtime": "/v1/realtime",
        "transcriptions": "/v1/audio/transcriptions",
        "jobs": "/v1/jobs",
        "models": "/v1/models",
    }
    keyring = Keyring(settings.api_keys)
    realtime = Realtime(hearing, places, liveness)
    health = Health(
        hearing.metrics,
        places,
        lambda: _describe(hearing),
        page=STATIC / "index.html",
        links=links,
    )
    limits = FileLimits(int(settings.max_upload_mb * 1e6), settings.max_duration_s)
    transcriber = _transcriber(hearing, at_once=8)
    routes = [
        *health.routes(),
        *page.files(STATIC),
        openapi.route("Parley ASR", OPERATIONS),
        *OpenAI(hearing.engine, transcriber, hearing.catalogue, limits).routes(),
        *JobsDoor(hearing.engine, jobs, hearing.catalogue, limits).routes(),
        WebSocketRoute("/ws", Stream(hearing, places, liveness).serve),
        WebSocketRoute("/v1/realtime", realtime.serve),
        *ClientSecrets(keyring, realtime.described).routes(),
    ]
    return assemble(
        routes,
        settings=settings,
        metrics=hearing.metrics,
        places=places,
        keyring=keyring,
    )


def _turn_model(settings: AsrSettings, metrics: AsrMetrics) -> SmartTurn | None:
    if settings.smart_turn == "off":
        return None
    configured = "" if settings.smart_turn == "auto" else settings.smart_turn
    path = find_model(configured)
    if path is None and configured:
        raise EngineUnavailable(f"ASR_SMART_TURN={configured}: no such file; correct or unset it")
    if path is None:
        log.warning(
            "no turn model: silence alone ends turns",
            extra={"looked_for": FILE_NAME, "remedy": "install pipecat-ai or set ASR_SMART_TURN"},
        )
        return None
    return SmartTurn(
        path,
        threads=settings.smart_turn_threads,
        deadline_s=settings.smart_turn_deadline_ms / 1000,
        on_skip=lambda reason: metrics.turn_model_skipped.labels(reason).inc(),
    )


def _describe(hearing: Hearing) -> Mapping[str, Any]:
    info = hearing.engine.info
    turns = "smart-turn-v3.2" if hearing.turn_model is not None else "silence"
    return {
        "engine": {
            "name": info.name,
            "model": info.model,
            "kind": info.kind.value,
            "capacity": info.capacity,
            "languages": list(info.languages),
            "capabilities": sorted(info.capabilities),
            "reason": info.reason,
        },
        "vad": "silero-v6",
        "turns": turns,
    }
