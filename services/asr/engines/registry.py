"""Which engine hears, by name or by what this machine has.

Adding an engine: one module here with a ``load`` function, one row in ``MODULES``.
Modules are imported when they are wanted: each brings its own heavy library.
"""

from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import Protocol, cast

from services.asr.config import AsrSettings
from services.asr.engines.base import Engine
from services.asr.metrics import AsrMetrics
from shared.errors import EngineUnavailable
from shared.fallback import best

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

    Raises:
        EngineUnavailable: the one asked for by name, or each that ``auto`` knows, cannot
            be loaded.
    """
    if settings.engine != "auto":
        return await _start(settings.engine, settings, metrics, f"ASR_ENGINE={settings.engine}")
    return await best((name, partial(_start, name, settings, metrics)) for name in AUTO)


async def _start(name: str, settings: AsrSettings, metrics: AsrMetrics, reason: str) -> Engine:
    try:
        load = cast("Load", import_module(MODULES[name]).load)
    except ImportError as error:
        raise EngineUnavailable(
            f"{error}; install its lock of deploy/requirements again"
        ) from error
    engine = load(settings, metrics, reason=reason)
    await engine.start()
    return engine
