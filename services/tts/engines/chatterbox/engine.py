"""Chatterbox behind the engine seam: voices, options, one runner over all devices."""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from services.tts.engines.base import (
    SAMPLE_RATE,
    EngineInfo,
    SpeechChunk,
    SpeechRequest,
    Voice,
)
from services.tts.engines.chatterbox import load
from services.tts.engines.chatterbox.listener import Listener
from services.tts.engines.chatterbox.load import Models
from services.tts.engines.chatterbox.model import ChatterboxModel
from services.tts.engines.chatterbox.preparing import ConditionsPreparing
from services.tts.engines.chatterbox.sizes import sizes_of
from services.tts.engines.chatterbox.utterance import Speech
from services.tts.engines.chatterbox.variants import SPECS, Variant
from services.tts.engines.chatterbox.voice import VoiceConditions
from services.tts.engines.chatterbox.watermark import Watermark
from services.tts.engines.prepared import PreparedVoices
from services.tts.engines.priority import priority
from shared.clock import Clock, SystemClock
from shared.engine import Kind
from shared.errors import EngineUnavailable, NotFound, OutOfMemory, UnsupportedOption
from shared.scheduling.metrics import Observer
from shared.scheduling.runner import Runner
from shared.scheduling.scheduler import Policy

log = logging.getLogger(__name__)

BUILT_IN = "chatterbox"
"""The voice that comes with the weights."""
_AHEAD_S = 4.0
"""Seconds of untaken audio above which a request sits out."""
_STEP_TIMEOUT_S = 60.0
_MAX_CHARS = 1200
"""Longest text of a request; it is cut again at the variant's own safe length."""


@dataclass(frozen=True, slots=True)
class Options:
    """The operator's choices.

    Attributes:
        folder: with the weights; None: the hub.
        devices: ``cpu``, ``cuda``, ``cuda:0``, …
        requests: spoken at once on each device; 0: what suits it.
        voices: kept at once.
        threads: of the CPU; 0: torch's own choice.
        reason: why this engine was chosen.
        warm: do at the start what a GPU does slowly for the first time.
    """

    variant: Variant = Variant.TURBO
    folder: Path | None = None
    devices: tuple[str, ...] = ("cpu",)
    requests: int = 0
    voices: int = 64
    threads: int = 0
    reason: str = ""
    warm: bool = False


Load = Callable[[Variant, Path | None, torch.device], Models]


def from_disk(variant: Variant, folder: Path | None, device: torch.device) -> Models:
    """Find the weights and load them."""
    return load.load(variant, load.find(variant, folder), device)


class ChatterboxEngine:
    """An engine of the batched kind.

    Args:
        options: what to run, and where.
        loader: gets the models of a device; tests give small ones.
        watermark: makes the mark of a device; None only in tests of the sound itself.
        clock: by which listeners hear and deadlines pass.
    """

    def __init__(
        self,
        options: Options,
        *,
        loader: Load = from_disk,
        watermark: Callable[[torch.device], Watermark] | None = Watermark,
        observer: Observer | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._options = options
        self._spec = SPECS[options.variant]
        self._loader = loader
        self._watermark = watermark
        self._observer = observer
        self._listener: Models | None = None
        self._models: list[ChatterboxModel] = []
        self._runner: Runner[Speech, SpeechChunk] | None = None
        self._voices: PreparedVoices[VoiceConditions] | None = None
        self._own_voice: VoiceConditions | None = None

    @property
    def info(self) -> EngineInfo:
        """What it is."""
        built_in = self._listener is not None and self._listener.built_in is not None
        voices = (Voice(BUILT_IN, "Chatterbox", self._spec.languages),) if built_in else ()
        emotional = {"emotion"} if self._spec.emotional else set()
        spoken = {"language"} if len(self._spec.languages) > 1 else set()
        return EngineInfo(
            name="chatterbox",
            model=f"chatterbox-{self._options.variant.value}",
            kind=Kind.BATCHED,
            capacity=sum(
                sizes_of(torch.device(name), self._options.requests).requests
                for name in self._options.devices
            ),
            languages=self._spec.languages,
            voices=voices,
            default_voice=BUILT_IN if built_in else "",
            capabilities=frozenset({"clone"} | emotional | spoken),
            max_chars=_MAX_CHARS,
            reason=self._options.reason,
        )

    async def start(self) -> None:
        """Load the weights onto each device and start a thread for each."""
        devices = [_device(name) for name in self._options.devices]
        if self._options.threads:
            torch.set_num_threads(self._options.threads)
        for device in devices:
            await asyncio.to_thread(self._load, device)
        if self._listener is not None:
            self._hear(self._listener)
        self._runner = Runner(
            self._models,
            policy=Policy(max_unsent=_AHEAD_S),
            clock=self._clock,
            step_timeout_s=_STEP_TIMEOUT_S,
            observer=self._observer,
            weigh=lambda chunk: len(chunk.samples) / SAMPLE_RATE,
            name="chatterbox",
        )
        await self._runner.start()

    async def speak(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        """Speak, a small chunk first."""
        if self._runner is None:
            raise EngineUnavailable("chatterbox is not started")
        request = replace(request, language=_plain(request.language))
        if request.language and request.language not in self._spec.languages:
            raise UnsupportedOption(
                f"chatterbox-{self._options.variant.value} does not speak {request.language!r}",
                param="language",
            )
        seed = secrets.randbits(48) if request.seed is None else request.seed
        speech = Speech(
            request,
            await self._voice(request),
            replace(self._spec.sampling, seed=seed),
            Listener.of(request, self._clock.now()),
        )
        handle = self._runner.submit(
            speech,
            priority=priority(request),
            owner=request.owner,
            deadline=request.deadline,
        )
        warned = 0
        async with handle:
            async for chunk in handle:
                fresh, warned = handle.warnings[warned:], len(handle.warnings)
                yield replace(chunk, warnings=chunk.warnings + fresh) if fresh else chunk

    async def forget(self, voice_id: str) -> None:
        """Drop what is in memory of a cloned voice, here and on each device."""
        if self._voices is not None:
            self._voices.forget(voice_id)
        for model in self._models:  # which may keep voices that are no longer in memory here
            model.forget(voice_id)

    async def aclose(self) -> None:
        """Stop the threads and let the weights go."""
        if self._runner is not None:
            await self._runner.aclose()
        self._runner = self._listener = self._voices = None
        self._models = []

    def _load(self, device: torch.device) -> None:
        try:
            models = self._loader(self._options.variant, self._options.folder, device)
            mark = None if self._watermark is None else self._watermark(device)
            sizes = sizes_of(device, self._options.requests, self._options.voices)
            model = ChatterboxModel(models, sizes, watermark=mark, clock=self._clock)
            if self._options.warm and device.type == "cuda":
                began = self._clock.now()
                model.warm_up()
                spent = {"seconds": self._clock.now() - began, "graphs": model.captured}
                log.info("chatterbox is warm", extra=spent)
        except (torch.OutOfMemoryError, OutOfMemory) as error:
            raise EngineUnavailable(
                f"{device} has too little memory for chatterbox-{self._options.variant.value}; "
                "set TTS_BATCH lower, which sets how many requests it speaks at once"
            ) from error
        self._models.append(model)
        self._listener = self._listener or models

    def _hear(self, listener: Models) -> None:
        self._voices = PreparedVoices(ConditionsPreparing(listener), self._options.voices)
        if listener.built_in is not None:
            self._own_voice = VoiceConditions.built_in(BUILT_IN, listener.built_in)

    async def _voice(self, request: SpeechRequest) -> VoiceConditions:
        """The request's voice; a recording is listened to beside the running batch."""
        if self._voices is None:
            raise EngineUnavailable("chatterbox is not started")
        if request.reference is not None:
            return await self._voices.get(request.reference)
        if request.voice_id != BUILT_IN or self._own_voice is None:
            raise NotFound(f"no voice {request.voice_id!r}", param="voice")
        return self._own_voice


def _plain(language: str | None) -> str | None:
    """``pt`` of ``pt-BR``: the models know no regions."""
    return language.partition("-")[0].lower() if language else None


def _device(name: str) -> torch.device:
    """A device that is there.

    Raises:
        EngineUnavailable: it is not.
    """
    device, count = torch.device(name), torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= count:
        there = f"{count} CUDA devices" if count else "no NVIDIA GPU, or no driver for it,"
        raise EngineUnavailable(f"TTS_DEVICE={name}: {there} found; set TTS_DEVICE=cpu or auto")
    return device
