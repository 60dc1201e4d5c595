"""Names of models that clients may ask for, and what they get instead."""

from collections.abc import Sequence

from services.asr.engines.base import EngineInfo
from shared.errors import NotFound

OPENAI_NAMES = (
    "default",
    "whisper-1",
    "gpt-transcribe",
    "gpt-live-transcribe",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-transcribe-2025-12-15",
    "gpt-4o-transcribe-diarize",
    "gpt-realtime",
    "gpt-realtime-mini",
    "gpt-realtime-whisper",
)
"""OpenAI's names; every engine answers to them. Clients of Realtime name a model of
conversation in the address also where they only want a transcript."""
WHISPER_NAMES = (
    "tiny",
    "tiny.en",
    "base",
    "base.en",
    "small",
    "small.en",
    "medium",
    "medium.en",
    "large",
    "large-v1",
    "large-v2",
    "large-v3",
    "large-v3-turbo",
    "turbo",
    "distil-small.en",
    "distil-medium.en",
    "distil-large-v2",
    "distil-large-v3",
    "distil-large-v3.5",
)
"""Models that exist, loaded or not."""
OTHER_NAMES = ("sphinx", "en-us", "nova-3", "whisper-large-v3", "whisper-large-v3-turbo")


class Catalogue:
    """What model names mean while one engine is loaded."""

    def __init__(self, aliases: Sequence[str] = ()) -> None:
        self.aliases = frozenset({*OPENAI_NAMES, *aliases})
        """Names that mean: the loaded model, whichever it is."""
        self._known = frozenset({*WHISPER_NAMES, *OTHER_NAMES})

    def substitution(self, name: str | None, loaded: EngineInfo) -> str | None:
        """What to warn of when the client asks for ``name``; None: it gets what it asked.

        Raises:
            NotFound: no such model anywhere.
        """
        if name is None or name in self.aliases or name in (loaded.model, loaded.name):
            return None
        if name in self._known:
            return f"model {name} is not loaded; {loaded.model} answers"
        raise NotFound(f"unknown model `{name[:64]}`", param="model")
