"""Which engines there are, and which one `auto` takes on this machine."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

from services.tts.config import OPENAI_VOICES, TtsSettings
from services.tts.engines.base import Engine
from services.tts.engines.chatterbox.offer import lacking as chatterbox_lacks
from services.tts.engines.kokoro_weights import Weights
from services.tts.engines.upstream import Address, SpeechServer, UpstreamOptions
from shared.errors import EngineUnavailable
from shared.fallback import best
from shared.scheduling.metrics import Observer

Make = Callable[[TtsSettings, Observer, str], Engine]
"""Makes an engine that is not started, given the reason why it was chosen."""


@dataclass(frozen=True, slots=True)
class Row:
    """One engine."""

    make: Make
    lacking: Callable[[TtsSettings], str | None]
    """What this machine lacks to run it, and how to get it; None: nothing."""
    automatic: bool = True
    """Whether `auto` considers it."""


def _espeak(settings: TtsSettings, observer: Observer, reason: str) -> Engine:
    from services.tts.engines.espeak import espeak_engine  # noqa: PLC0415 - loads a C library

    del settings
    return espeak_engine(reason=reason, observer=observer)


def _kokoro(settings: TtsSettings, observer: Observer, reason: str) -> Engine:
    from services.tts.engines.kokoro import kokoro_engine  # noqa: PLC0415 - loads onnxruntime

    threads = settings.threads or max(1, (os.cpu_count() or 2) // 2)
    return kokoro_engine(_weights(settings), threads=threads, reason=reason, observer=observer)


def _kokoro_lacks(settings: TtsSettings) -> str | None:
    if find_spec("kokoro_onnx") is None:
        return "no module kokoro_onnx; install deploy/requirements/tts.txt"
    weights = _weights(settings)
    if weights.present or weights.url:
        return None
    return f"no file {weights.model}; set TTS_KOKORO_MODEL and TTS_KOKORO_VOICES"


def _weights(settings: TtsSettings) -> Weights:
    url = "" if settings.kokoro_url == "off" else settings.kokoro_url
    return Weights(settings.kokoro_model.expanduser(), settings.kokoro_voices.expanduser(), url)


def _chatterbox(settings: TtsSettings, observer: Observer, reason: str) -> Engine:
    from services.tts.engines.chatterbox.offer import engine  # noqa: PLC0415 - loads torch

    return engine(settings, observer, reason)


def _openai(settings: TtsSettings, observer: Observer, reason: str) -> Engine:
    from services.tts.engines.openai_speech import OpenAiSpeechEngine  # noqa: PLC0415

    del observer
    key = settings.upstream_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    server = _server(settings, "https://api.openai.com/v1", headers)
    model = settings.upstream_model or "gpt-4o-mini-tts"
    voices = settings.upstream_voices or OPENAI_VOICES
    options = UpstreamOptions(model, voices, settings.upstream_connections, reason)
    return OpenAiSpeechEngine(server, options)


def _elevenlabs(settings: TtsSettings, observer: Observer, reason: str) -> Engine:
    from services.tts.engines.elevenlabs import ElevenLabsEngine  # noqa: PLC0415

    del observer
    headers = {"xi-api-key": settings.upstream_key.get_secret_value()}
    server = _server(settings, "https://api.elevenlabs.io", headers)
    model = settings.upstream_model or "eleven_flash_v2_5"
    options = UpstreamOptions(
        model, settings.upstream_voices, settings.upstream_connections, reason
    )
    return ElevenLabsEngine(server, options)


def _server(settings: TtsSettings, url: str, headers: Mapping[str, str]) -> SpeechServer:
    return SpeechServer(
        Address(
            url=settings.upstream_url or url,
            headers=headers,
            connections=settings.upstream_connections,
            timeout_s=settings.upstream_timeout_s,
        )
    )


def _needs_key(settings: TtsSettings) -> str | None:
    if settings.upstream_key.get_secret_value() or settings.upstream_url:
        return None
    return "no key; set TTS_UPSTREAM_KEY (and TTS_UPSTREAM_URL for another server)"


ENGINES: Mapping[str, Row] = {
    "chatterbox": Row(_chatterbox, chatterbox_lacks),
    "kokoro": Row(_kokoro, _kokoro_lacks),
    "espeak": Row(_espeak, lambda _: None),
    "openai": Row(_openai, _needs_key, automatic=False),
    "elevenlabs": Row(_elevenlabs, _needs_key, automatic=False),
}
"""In the order in which `auto` prefers them."""


async def started(settings: TtsSettings, observer: Observer) -> Engine:
    """The engine of the settings, loaded.

    Raises:
        EngineUnavailable: it cannot load, with the reason and what to do.
    """
    if settings.engine != "auto":
        chosen = f"TTS_ENGINE={settings.engine}"
        try:
            return await _start(ENGINES[settings.engine], settings, observer, chosen)
        except EngineUnavailable as error:
            raise EngineUnavailable(f"{chosen}: {error.message}") from error
    return await best(
        (name, partial(_start, row, settings, observer))
        for name, row in ENGINES.items()
        if row.automatic
    )


async def _start(row: Row, settings: TtsSettings, observer: Observer, reason: str) -> Engine:
    if (problem := row.lacking(settings)) is not None:
        raise EngineUnavailable(problem)
    try:
        engine = row.make(settings, observer, reason)
    except ImportError as error:
        raise EngineUnavailable(
            f"{error}; install its lock of deploy/requirements again"
        ) from error
    await engine.start()
    return engine
