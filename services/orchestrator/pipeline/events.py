"""What can happen in a conversation, besides what the recogniser and the client say.

The recogniser's messages come as they are on its wire (:mod:`shared.protocol.asr`), the
client's likewise (:mod:`shared.protocol.conversation`). Everything here belongs to one
generation: an attempt at a reply. What comes from an older generation is dropped.
"""

from dataclasses import dataclass

from services.orchestrator.llm.base import Done
from services.orchestrator.pipeline.heard import Spoken
from shared.errors import ParleyError
from shared.protocol.base import Message


@dataclass(frozen=True, slots=True)
class MindSaid:
    """The model wrote some more of the reply."""

    generation: int
    text: str


@dataclass(frozen=True, slots=True)
class MindTold:
    """Something the client should see while the model works: a tool's call or progress."""

    generation: int
    message: Message


@dataclass(frozen=True, slots=True)
class MindDone:
    """The reply's text is whole."""

    generation: int
    usage: Done


@dataclass(frozen=True, slots=True)
class MindFailed:
    """The model failed; the text it wrote stands."""

    generation: int
    error: ParleyError


@dataclass(frozen=True, slots=True)
class SpeechMade:
    """A piece of the reply's audio, s16le mono at 24 kHz."""

    generation: int
    pcm: bytes
    spoken: Spoken


@dataclass(frozen=True, slots=True)
class SpeechDone:
    """The reply's audio is whole."""

    generation: int


@dataclass(frozen=True, slots=True)
class SpeechFailed:
    """The synthesiser failed; the audio it made stands."""

    generation: int
    error: ParleyError


@dataclass(frozen=True, slots=True)
class FillerMade:
    """A filler is at hand, s16le mono at 24 kHz."""

    generation: int
    text: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class HearingFailed:
    """The recogniser went away; what it was hearing is lost."""

    error: ParleyError


@dataclass(frozen=True, slots=True)
class Announced:
    """A tool that ran meanwhile has ended; nobody speaks, and the user is to be told."""

    text: str
    """What the model reads, in the place of the user's words."""
