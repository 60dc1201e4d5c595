"""Names that clients use for voices and models, and what they mean on this engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.tts.config import OPENAI_MODELS, OPENAI_VOICES
from services.tts.engines.base import EngineInfo, Reference, Voice
from shared.errors import NotFound

DEFAULT = "default"
OTHER_MODELS = frozenset(
    {
        "espeak",
        "kokoro",
        "hexgrad/Kokoro-82M",
        "speaches-ai/Kokoro-82M-v1.0-ONNX",
        "chatterbox",
        "chatterbox-turbo",
        "chatterbox-english",
        "chatterbox-multilingual",
        "eleven_flash_v2_5",
        "eleven_turbo_v2_5",
        "eleven_multilingual_v2",
        "eleven_v3",
    }
)
"""Models that exist, loaded or not: a client written for one of them is spoken to all the same."""


@dataclass(frozen=True, slots=True)
class ChosenVoice:
    """A voice that this engine can speak with."""

    voice_id: str
    languages: tuple[str, ...]
    reference: Reference | None = None
    """Set for a cloned voice."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The engine's voices and the aliases of OpenAI's names.

    Args:
        info: of the engine in use.
        aliases: the operator's: name to the engine's voice.
    """

    info: EngineInfo
    aliases: Mapping[str, str] = field(default_factory=dict)

    def voice(self, name: str) -> ChosenVoice | None:
        """The engine's voice called `name`, or None where no list has it."""
        voices = {voice.voice_id: voice for voice in self.info.voices}
        target = name if name in voices else self.voice_aliases().get(name)
        found = voices.get(target) if target is not None else None
        return ChosenVoice(found.voice_id, found.languages) if found else None

    def voice_aliases(self) -> dict[str, str]:
        """Every alias and the engine's voice that it stands for."""
        plain = dict.fromkeys((DEFAULT, *OPENAI_VOICES), self.info.default_voice)
        own = {voice.voice_id for voice in self.info.voices}
        return {k: v for k, v in {**plain, **self.aliases}.items() if k not in own}

    def models(self) -> dict[str, str]:
        """Every model name that is understood, and what it means here."""
        own = (self.info.name, self.info.model)
        return {**dict.fromkeys((DEFAULT, *OPENAI_MODELS), self.info.model),
                **dict.fromkeys(own, self.info.model)}  # fmt: skip

    def substitution(self, name: str) -> str | None:
        """What to warn of when a client asks for the model `name`; None: it gets what it asked.

        Raises:
            NotFound: no such model anywhere.
        """
        if name in self.models():
            return None
        if name in OTHER_MODELS:
            return f"model {name} is not loaded; {self.info.model} answers"
        raise NotFound(f"no model {name[:64]!r}; see /v1/models", param="model")

    def voices(self) -> tuple[Voice, ...]:
        """The engine's own voices."""
        return self.info.voices
