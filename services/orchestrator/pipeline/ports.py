"""What a conversation needs around it: ears, a voice, a mind, tools and a way out.

Real services stand behind them in production, scripted doubles in tests and benches.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from services.orchestrator.llm.base import Message as ChatMessage
from services.orchestrator.llm.base import ToolCall
from services.orchestrator.pipeline.events import HearingFailed
from services.orchestrator.pipeline.heard import Spoken
from services.orchestrator.tools.base import Announcement, Outcome, Progress
from shared.protocol import asr
from shared.protocol.base import ErrorMessage, Message, WarningMessage
from shared.protocol.conversation import ToolResult

Recognised = (
    asr.SpeechStart
    | asr.SpeechEnd
    | asr.Partial
    | asr.Candidate
    | asr.TurnEnd
    | asr.Final
    | WarningMessage
    | ErrorMessage
)
Heard = Recognised | HearingFailed


class Hearing(Protocol):
    """Speech recognition of one conversation."""

    async def feed(self, pcm: bytes) -> None:
        """Take a frame of the microphone, as the session's audio format says."""
        ...

    async def configure(self, changes: Mapping[str, Any]) -> None:
        """Change fields of :class:`shared.protocol.asr.Config`."""
        ...

    async def tell(self, message: asr.Flush | asr.Reset | asr.Silence) -> None:
        """What it is to do with what it has."""
        ...

    def listen(self) -> AsyncIterator[Heard]:
        """What it hears, until the conversation ends; a lost line is told and mended.

        Raises:
            ParleyError: the service refused or stays away.
        """
        ...


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a reply's audio."""

    pcm: bytes
    """s16le mono at 24 kHz."""
    spoken: Spoken


class Speech(Protocol):
    """Speech synthesis in the session's voice."""

    voice_id: str
    language: str | None

    def use(self, voice_id: str | None, language: str | None) -> None:
        """Speak the next reply in another voice or language; None changes nothing."""
        ...

    def speak(self, text: AsyncIterator[str]) -> AsyncGenerator[Piece, None]:
        """Speak clauses as they come. Closing the generator cancels at the service.

        Raises:
            ParleyError: the service refused, failed or went away.
        """
        ...


class Tools(Protocol):
    """Functions that the model may call."""

    def schemas(self) -> Sequence[Mapping[str, Any]]:
        """In OpenAI's form."""
        ...

    def call(self, call: ToolCall) -> AsyncGenerator[Progress | Outcome, None]:
        """Run one; :class:`Outcome` comes last, also for a failure. Closing it cancels."""
        ...

    def settle(self, result: ToolResult) -> None:
        """The client's result of a call.

        Raises:
            NotFound: no call of that id waits for it.
        """
        ...

    def announcements(self) -> AsyncIterator[Announcement]:
        """Results of asynchronous tools, as they come; never ends."""
        ...


class Outlet(Protocol):
    """The way to the client. Neither call waits: what piles up is the outlet's to bound."""

    def tell(self, message: Message) -> None:
        """Send an event."""
        ...

    def play(self, pcm: bytes) -> None:
        """Send audio, s16le mono at 24 kHz."""
        ...

    def keep(self, messages: Sequence[ChatMessage]) -> None:
        """Store the history as it is now."""
        ...
