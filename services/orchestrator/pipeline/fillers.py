"""Short phrases that bridge a wait, in the session's own voice, made once and kept."""

import itertools
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from services.orchestrator.pipeline.ports import Speech
from shared.recent import Recent

_PHRASES = {
    "en": ("Hmm…", "Let me think…", "One moment…"),
    "de": ("Hm…", "Moment…", "Ich überlege kurz…"),
    "fr": ("Hum…", "Un instant…", "Voyons…"),
    "es": ("Mmm…", "Un momento…", "Déjeme pensar…"),
    "it": ("Mmm…", "Un momento…", "Vediamo…"),
    "pt": ("Hum…", "Um momento…", "Deixe-me pensar…"),
    "nl": ("Hm…", "Een moment…", "Even denken…"),
}
_MOST_VOICES = 64


def phrases(language: str | None) -> tuple[str, ...]:
    """Fillers of a language; English for one that has none."""
    return _PHRASES.get((language or "en").split("-")[0].lower(), _PHRASES["en"])


@dataclass(frozen=True, slots=True)
class Clip:
    """A phrase and its audio."""

    text: str
    pcm: bytes
    """s16le mono at 24 kHz."""


class Fillers:
    """Clips of all voices of this process, least recently used voices dropped."""

    def __init__(self) -> None:
        self._clips = Recent[tuple[str, str], list[Clip]](_MOST_VOICES)
        self._turn = itertools.count()

    def pick(self, voice: str, language: str | None) -> Clip | None:
        """The next clip in that voice; None: none is ready yet."""
        clips = self._clips.get((voice, language or "en"))
        return clips[next(self._turn) % len(clips)] if clips else None

    async def prepare(self, speech: Speech) -> None:
        """Make the clips of a voice, unless they are there or being made.

        Raises:
            ParleyError: the synthesiser failed; the next session tries again.
        """
        key = (speech.voice_id, speech.language or "en")
        if self._clips.get(key) is not None:
            return
        clips: list[Clip] = []
        self._clips.put(key, clips)
        try:
            for phrase in phrases(speech.language):  # each is of use as soon as it is there
                clips += [Clip(phrase, await _spoken(speech, phrase))]
        finally:
            if not clips:
                self._clips.drop(key)


async def _spoken(speech: Speech, phrase: str) -> bytes:
    async def once() -> AsyncIterator[str]:
        yield phrase

    async with aclosing(speech.speak(once())) as pieces:
        return b"".join([piece.pcm async for piece in pieces])
