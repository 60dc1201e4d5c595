"""The composition root of the conversation service."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from services.orchestrator.config import OrchestratorSettings
from services.orchestrator.llm import choose
from services.orchestrator.metrics import OrchestratorMetrics
from services.orchestrator.pipeline.conversations import Conversations
from services.orchestrator.pipeline.fillers import Fillers
from services.orchestrator.pipeline.neighbours import Neighbours
from services.orchestrator.pipeline.persistence import Persistence, persistence
from services.orchestrator.routes import exchange, sessions
from services.orchestrator.routes.attachments import Attachments
from services.orchestrator.routes.conversation import ConversationRoute
from services.orchestrator.routes.exchange import Exchange
from services.orchestrator.routes.sessions import Sessions
from services.orchestrator.tools.toolbox import toolbox
from shared.clock import SystemClock
from shared.errors import UpstreamFailed
from shared.web import client_secrets, openapi
from shared.web.health import Health
from shared.web.keyring import Keyring
from shared.web.liveness import Liveness
from shared.web.places import Places
from shared.web.service import Service, assemble

OPERATIONS = (*sessions.OPERATIONS, *exchange.OPERATIONS, client_secrets.OPERATION)

_COUNTING_S = 1.0
"""Longest wait for Redis while Prometheus waits for us."""


@asynccontextmanager
async def build(settings: OrchestratorSettings) -> AsyncIterator[Service]:
    """Everything that the service is made of, for as long as it runs."""
    clock, metrics = SystemClock(), OrchestratorMetrics()
    places = Places(settings.max_sessions, metrics)
    async with (
        choose.mind(settings, clock) as mind,
        persistence(settings) as kept,
        toolbox(settings) as tools,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        services = {"asr": settings.asr_url, "tts": settings.tts_url}
        neighbours = Neighbours(client, services, clock)
        fillers = Fillers()
        made = Conversations(
            settings, metrics, kept.sessions, clock, fillers, mind, tools, kept.answers
        )
        keyring = Keyring(settings.api_keys)
        attachments = Attachments(kept.bus, places)
        http = Exchange(kept.sessions, attachments, places, made.begin)
        async with http.running():
            doors = [
                *_health(made, places, kept, neighbours).routes(),
                *_sessions(made, places, attachments).routes(),
                *_sockets(made, places, attachments).routes(),
                *http.routes(),
                *client_secrets.ClientSecrets(keyring).routes(),
            ]
            yield assemble(
                [*doors, openapi.route("Parley conversation", OPERATIONS)],
                settings=settings,
                metrics=metrics,
                places=places,
                keyring=keyring,
                clock=clock,
                needs=lambda _: False,  # a resume takes over the place of the line it replaces
            )


def _health(
    made: Conversations, places: Places, kept: Persistence, neighbours: Neighbours
) -> Health:
    async def describe() -> dict[str, object]:
        redis, services = await asyncio.gather(kept.health(), neighbours.health())
        return {**made.describe(), **services, "redis": redis}

    async def count() -> None:
        with contextlib.suppress(UpstreamFailed, TimeoutError):  # then the last count stays
            async with asyncio.timeout(_COUNTING_S):
                made.metrics.sessions.set(await kept.sessions.count())

    links = {"sessions": "/v2/sessions"}
    return Health(made.metrics, places, describe, links=links, count=count)


def _sessions(made: Conversations, places: Places, attachments: Attachments) -> Sessions:
    return Sessions(
        made.store,
        attachments,
        places,
        ttl_s=made.settings.session_ttl_s,
        with_llm=made.mind is not None,
        tools=made.tools,
        answers=made.answers,
    )


def _sockets(made: Conversations, places: Places, attachments: Attachments) -> ConversationRoute:
    settings = made.settings
    return ConversationRoute(
        store=made.store,
        attachments=attachments,
        places=places,
        begin=made.begin,
        clock=made.clock,
        metrics=made.metrics,
        liveness=Liveness(settings.ping_interval_s, settings.peer_timeout_s),
        ttl_s=settings.session_ttl_s,
    )
