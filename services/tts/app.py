"""The composition root of the TTS service."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from starlette.routing import BaseRoute, Route, WebSocketRoute

from services.tts.config import TtsSettings
from services.tts.engines.base import Engine
from services.tts.engines.registry import started
from services.tts.metrics import TtsMetrics
from services.tts.pipeline.catalogue import Catalogue
from services.tts.routes.api import OPERATIONS
from services.tts.routes.openai import OpenAiRoutes
from services.tts.routes.speaking import Speaking
from services.tts.routes.stream import StreamRoute
from services.tts.routes.voices import VoiceRoutes
from services.tts.voices.files import CannotKeep, VoiceFiles
from services.tts.voices.library import VoiceLibrary
from services.tts.voices.share import RedisShare, VoiceShare
from shared.bus import Bus, MemoryBus, RedisBus
from shared.clock import SystemClock
from shared.scheduling.metrics import SchedulingMetrics
from shared.sealing import sealer
from shared.store import connect
from shared.web import openapi, page
from shared.web.client_secrets import ClientSecrets
from shared.web.health import Health
from shared.web.keyring import Keyring
from shared.web.places import Places
from shared.web.service import Service, assemble

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
"""The page."""


@asynccontextmanager
async def build(settings: TtsSettings, engine: Engine | None = None) -> AsyncIterator[Service]:
    """Load what the service needs, yield it, unload.

    Args:
        engine: a started engine to use instead of the one that the settings name.
    """
    metrics = TtsMetrics()
    async with AsyncExitStack() as stack:
        engine = engine or await started(settings, SchedulingMetrics(metrics))
        stack.push_async_callback(engine.aclose)
        voices = await _voices(settings, stack)
        places = Places(min(settings.max_connections, engine.info.capacity), metrics)
        catalogue = Catalogue(engine.info, settings.voice_aliases)
        speaking = Speaking(engine, catalogue, settings, metrics, places, SystemClock(), voices)
        voices.tell(deleted=speaking.deleted, replaced=engine.forget)
        await voices.open()
        stack.push_async_callback(_ended, asyncio.create_task(voices.listen(), name="voices"))
        yield _service(speaking)


async def _voices(settings: TtsSettings, stack: AsyncExitStack) -> VoiceLibrary:
    """The registered voices: on disk, and in Redis where there is one."""
    seal = sealer(settings.voice_key)
    share: VoiceShare | None = None
    bus: Bus = MemoryBus()
    if settings.redis_url is not None:
        redis = connect(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        share = RedisShare(redis, seal)
        bus = await stack.enter_async_context(RedisBus(redis))
    files = VoiceFiles(settings.voice_dir.expanduser(), seal)
    try:
        await asyncio.to_thread(files.try_out)
    except CannotKeep as error:
        problem = f"TTS_VOICE_DIR={settings.voice_dir}: {error.message}"
        if "voice_dir" in settings.model_fields_set:
            raise CannotKeep(f"{problem}; set it to a folder that can be written") from error
        log.warning("voices cannot be registered here", extra={"why": problem})
    return VoiceLibrary(
        files,
        share,
        bus,
        cached=settings.voice_cache,
        require_consent=settings.require_consent,
    )


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _service(speaking: Speaking) -> Service:
    keyring = Keyring(speaking.settings.api_keys)
    return assemble(
        [*_routes(speaking), *ClientSecrets(keyring).routes()],
        settings=speaking.settings,
        metrics=speaking.metrics,
        places=speaking.places,
        keyring=keyring,
        clock=speaking.clock,
    )


def _routes(speaking: Speaking) -> list[BaseRoute]:
    health = Health(
        speaking.metrics,
        speaking.places,
        speaking.describe,
        page=STATIC / "index.html",
        links={"speech": "/v1/audio/speech", "voices": "/v1/audio/voices", "stream": "/ws"},
    )
    openai = OpenAiRoutes(speaking)
    voices = VoiceRoutes(speaking)
    return [
        *health.routes(),
        WebSocketRoute("/ws", StreamRoute(speaking).connect),
        Route("/v1/audio/speech", openai.speech, methods=["POST"]),
        Route("/v1/audio/voices", voices.list, methods=["GET"]),
        Route("/v1/audio/voices", voices.register, methods=["POST"]),
        Route("/v1/audio/voices/{voice_id}", voices.delete, methods=["DELETE"]),
        Route("/v1/models", openai.models),
        Route("/v1/models/{name:path}", openai.model),
        *page.files(STATIC),
        openapi.route("Parley TTS", OPERATIONS),
    ]
