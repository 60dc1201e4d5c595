"""Which engine hears, by name or by what this machine has.

Adding an engine: one module here with a ``load`` function, one row in ``MODULES``.
Modules are imported when they are wanted: each brings its own heavy library.
"""

import logging
from importlib import import_module
from types import MappingProxyType
from typing import Protocol, cast

from services.asr.config import AsrSettings
from services.asr.engines.base import Engine
from services.asr.metrics import AsrMetrics
from shared.errors import EngineUnavailable

log = logging.getLogger(__name__)

MODULES = MappingProxyType(
    {
        "whisper": "services.asr.engines.whisper.entry",
        "sphinx": "services.asr.engines.sphinx",
        "openai": "services.asr.engines.openai",
        "deepgram": "services.asr.engines.deepgram",
    }
)
AUTO = ("whisper", "sphinx")
"""What ``auto`` tries, best first."""


class Load(Protocol):
    """Makes an engine from the settings; ``start`` does the loading."""

    def __call__(self, settings: AsrSettings, metrics: AsrMetrics, *, reason: str) -> Engine:
        """Make it; ``reason`` says why it was chosen."""
        ...


async def start_engine(settings: AsrSettings, metrics: AsrMetrics) -> Engine:
    """The engine that the settings ask for, started.

    A fallback of ``auto`` is told in one log line and as the engine's ``reason``.

    Raises:
        EngineUnavailable: the one asked for by name, or the last that ``auto`` knows,
            cannot be loaded.
    """
    if settings.engine != "auto":
        return await _start(settings.engine, settings, metrics, "chosen by ASR_ENGINE")
    failures: list[str] = []
    for name in AUTO:
        reason = "; ".join(["chosen by auto", *failures])
        try:
            engine = await _start(name, settings, metrics, reason)
        except EngineUnavailable as error:
            failures.append(f"{name}: {error.message}")
        else:
            level = logging.WARNING if failures else logging.INFO
            log.log(level, "engine chosen", extra={"engine": name, "reason": engine.info.reason})
            return engine
    raise EngineUnavailable("; ".join(failures))


async def _start(name: str, settings: AsrSettings, metrics: AsrMetrics, reason: str) -> Engine:
    try:
        load = cast("Load", import_module(MODULES[name]).load)
    except ImportError as error:
        raise EngineUnavailable(f"engine {name}: {error}; install its requirements") from error
    engine = load(settings, metrics, reason=reason)
    await engine.start()
    return engine
