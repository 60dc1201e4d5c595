"""From settings to the mind that thinks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from services.orchestrator.config import OrchestratorSettings
from services.orchestrator.llm.base import Mind
from services.orchestrator.llm.openai import ModelOptions, OpenAiMind, Patience
from services.orchestrator.llm.router import RoutedMind
from shared.clock import Clock

_CONNECT_S = 5.0


@asynccontextmanager
async def mind(settings: OrchestratorSettings, clock: Clock) -> AsyncIterator[Mind | None]:
    """The configured model behind one pooled client; None without ``LLM_BASE_URL``."""
    if settings.llm_base_url is None:
        yield None
        return
    headers = {}
    if settings.llm_api_key is not None:
        headers["Authorization"] = f"Bearer {settings.llm_api_key.get_secret_value()}"
    limits = httpx.Limits(
        max_connections=2 * settings.max_sessions,
        max_keepalive_connections=settings.max_sessions,
        keepalive_expiry=60.0,
    )
    async with httpx.AsyncClient(
        base_url=settings.llm_base_url,
        headers=headers,
        limits=limits,
        timeout=httpx.Timeout(None, connect=_CONNECT_S, pool=_CONNECT_S),
    ) as client:
        yield _minds(settings, client, clock)


def _minds(settings: OrchestratorSettings, client: httpx.AsyncClient, clock: Clock) -> Mind:
    patience = Patience(
        first_token_s=settings.llm_first_token_timeout_s,
        token_s=settings.llm_token_timeout_s,
        retries=settings.llm_retries,
    )

    def one(model: str, tier: str) -> OpenAiMind:
        options = ModelOptions(
            model=model,
            max_tokens=settings.llm_max_tokens,
            temperature=settings.llm_temperature,
            usage=settings.llm_usage,
            tier=tier,
        )
        return OpenAiMind(client, options, patience, clock)

    if settings.llm_small_model is None:
        return one(settings.llm_model, "")
    return RoutedMind(one(settings.llm_small_model, "small"), one(settings.llm_model, "large"))
