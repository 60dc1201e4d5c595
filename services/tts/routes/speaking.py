"""What the routes need to speak, made once by the composition root."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.tts.config import TtsSettings
from services.tts.engines.base import Engine
from services.tts.metrics import TtsMetrics
from services.tts.pipeline.catalogue import Catalogue, ChosenVoice
from services.tts.pipeline.in_use import InUse
from services.tts.pipeline.playout import Allowance, Playout
from services.tts.pipeline.reply import Reply
from services.tts.pipeline.speech import Speaker
from services.tts.pipeline.utterance import Utterance
from services.tts.voices.library import VoiceLibrary
from services.tts.voices.record import VoiceRecord
from services.tts.voices.registration import Registration
from shared.clock import Clock
from shared.errors import Conflict, UnsupportedOption
from shared.web.places import Places


@dataclass(frozen=True, slots=True)
class Speaking:
    """The engine and all that stands around it."""

    engine: Engine
    catalogue: Catalogue
    settings: TtsSettings
    metrics: TtsMetrics
    places: Places
    clock: Clock
    voices: VoiceLibrary
    in_use: InUse = field(default_factory=InUse)

    async def voice(self, name: str, owner: str) -> ChosenVoice:
        """The voice that `owner` calls `name`.

        Raises:
            NotFound: there is none. UnsupportedOption: this engine cannot clone.
        """
        if found := self.catalogue.voice(name):
            return found
        stored = await self.voices.voice(name, owner)
        info = self.engine.info
        if "clone" not in info.capabilities:
            raise UnsupportedOption(
                f"engine {info.name} cannot speak with a registered voice", param="voice"
            )
        language = stored.record.language
        reference = stored.reference(self.voices.shelf(stored.record))
        return ChosenVoice(name, (language,) if language else (), reference)

    async def register(self, wanted: Registration, owner: str) -> VoiceRecord:
        """Register a voice.

        Raises:
            Conflict: the engine's own list has the name. ParleyError: see `VoiceLibrary`.
        """
        if self.catalogue.voice(wanted.voice_id) is not None:
            raise Conflict(f"the engine has a voice {wanted.voice_id!r}", param="voice_id")
        return await self.voices.register(wanted, owner)

    async def deleted(self, voice_id: str) -> None:
        """A registered voice was deleted: nobody goes on speaking with it."""
        await self.in_use.end(voice_id)
        await self.engine.forget(voice_id)

    def reply(self, utterance: Utterance, *, connection: str, allowance: Allowance) -> Reply:
        """The utterance, ready to be spoken."""
        speaker = Speaker(
            self.engine,
            utterance,
            owner=connection,
            queue_timeout_s=self.settings.queue_timeout_s,
            clock=self.clock,
        )
        return Reply(utterance, speaker, Playout(allowance, self.clock))

    async def describe(self) -> Mapping[str, object]:
        """For `/health`."""
        info = self.engine.info
        return {
            "engine": {
                "name": info.name,
                "model": info.model,
                "kind": info.kind.value,
                "reason": info.reason,
                "capacity": info.capacity,
                "capabilities": sorted(info.capabilities),
                "languages": list(info.languages),
            },
            "voices": {
                "engine": len(info.voices),
                "registered": self.voices.count,
                "encrypted": self.settings.voice_key is not None,
                "shared": self.settings.redis_url is not None,
            },
            "redis": await self.voices.health(),
        }
