"""Where sessions live and how replicas hear of each other: Redis, or this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from redis.asyncio import Redis

from services.orchestrator.config import OrchestratorSettings
from services.orchestrator.llm.embeddings import Embeddings
from services.orchestrator.pipeline.cache import AnswerCache, Limits
from services.orchestrator.sessions.base import SessionStore
from services.orchestrator.sessions.memory import MemorySessions
from services.orchestrator.sessions.redis import RedisSessions
from shared.bus import Bus, MemoryBus, RedisBus
from shared.errors import InvalidRequest
from shared.sealing import Sealer, sealer
from shared.store import connect, is_answering


@dataclass(frozen=True, slots=True)
class Persistence:
    """What ``REDIS_URL`` decides."""

    sessions: SessionStore
    bus: Bus
    redis: Redis | None = None
    answers: AnswerCache | None = None
    """The semantic cache, where it is on."""

    async def health(self) -> dict[str, bool]:
        """For ``/health``: whether there is a Redis, and whether it answers."""
        if self.redis is None:
            return {"enabled": False, "healthy": False}
        return {"enabled": True, "healthy": await is_answering(self.redis)}


@asynccontextmanager
async def persistence(settings: OrchestratorSettings) -> AsyncIterator[Persistence]:
    """Open what the settings ask for; nothing is sent to Redis before it is needed."""
    if settings.redis_url is None:
        if settings.semantic_cache == "on":
            raise InvalidRequest("ORCHESTRATOR_CACHE=on needs REDIS_URL", param="REDIS_URL")
        yield Persistence(MemorySessions(settings.max_stored), MemoryBus())
        return
    async with connect(settings.redis_url) as redis, RedisBus(redis) as bus:
        sealed = sealer(settings.session_key)
        sessions = RedisSessions(redis, sealed, settings.max_stored)
        async with _answers(settings, redis, sealed) as answers:
            yield Persistence(sessions, bus, redis, answers)


@asynccontextmanager
async def _answers(
    settings: OrchestratorSettings, redis: Redis, sealed: Sealer
) -> AsyncIterator[AnswerCache | None]:
    """The cache, with meanings where a server makes vectors of them."""
    if settings.semantic_cache == "off":
        yield None
        return
    ttl_s = int(min(settings.cache_ttl_s, settings.session_ttl_s))
    limits = Limits(ttl_s, settings.cache_entries, settings.cache_similarity)
    if settings.embeddings_base_url is None:
        yield AnswerCache(redis, sealed, limits, None)
        return
    key = settings.llm_api_key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    async with httpx.AsyncClient(base_url=settings.embeddings_base_url, headers=headers) as client:
        yield AnswerCache(redis, sealed, limits, Embeddings(client, settings.embeddings_model))
