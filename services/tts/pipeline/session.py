"""The requests of one connection. Sans-I/O: messages in, what to do about them out."""

from dataclasses import dataclass

from services.tts.engines.base import EngineInfo
from services.tts.pipeline.catalogue import ChosenVoice
from services.tts.pipeline.utterance import Options, Utterance
from shared.audio.pcm import Encoding
from shared.errors import Conflict, NotFound, RateLimited
from shared.protocol.tts import Cancel, End, Flush, Synthesize, Text


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one connection."""

    max_text_chars: int
    max_open_requests: int


class Session:
    """Knows which requests are open and what may happen to them."""

    def __init__(self, info: EngineInfo, limits: Limits) -> None:
        self._info = info
        self._limits = limits
        self._open: dict[str, Utterance] = {}
        self._made = 0

    @property
    def idle(self) -> bool:
        """Whether no request is open."""
        return not self._open

    def name(self, message: Synthesize) -> str:
        """The request's id: the client's, or one made here."""
        if message.request_id is not None:
            return message.request_id
        self._made += 1
        return f"request-{self._made}"

    def open(self, request_id: str, message: Synthesize, voice: ChosenVoice) -> Utterance:
        """Begin a request.

        Raises:
            Conflict: its id is in use. RateLimited: too many are open.
            InvalidRequest, TooLarge: its text is empty or too long.
        """
        if request_id in self._open:
            raise Conflict(f"request {request_id!r} is open already", param="request_id")
        if len(self._open) >= self._limits.max_open_requests:
            raise RateLimited(
                f"{len(self._open)} requests are open on this connection", retry_after_s=1.0
            )
        utterance = Utterance(
            request_id,
            options(message, voice).within(self._info),
            longest=self._info.max_chars,
            most_text=self._limits.max_text_chars,
        )
        if message.more:
            utterance.feed(message.text)
        else:
            utterance.whole(message.text)
        self._open[request_id] = utterance
        return utterance

    def update(self, message: Text | Flush | End) -> Utterance:
        """More of an open request.

        Raises:
            NotFound: no such request is open. Conflict: its text is complete.
            TooLarge: it would have too much text.
        """
        utterance = self._find(message.request_id)
        match message:
            case Text():
                utterance.feed(message.text)
            case Flush():
                utterance.flush()
            case End():
                utterance.end()
        return utterance

    def cancel(self, message: Cancel) -> Utterance:
        """Close a request.

        Raises:
            NotFound: no such request is open; it may just have ended.
        """
        utterance = self._find(message.request_id)
        utterance.close()
        return utterance

    def over(self, utterance: Utterance) -> None:
        """The request is done: its id is free."""
        utterance.close()
        if self._open.get(utterance.request_id) is utterance:  # else the id is in use again
            del self._open[utterance.request_id]

    def unsupported(self, message: Synthesize, voice: ChosenVoice) -> list[str]:
        """One line for each option that was asked for and that this engine lacks."""
        return [
            f"engine {self._info.name} has no `{name}`; it was left out"
            for name in options(message, voice).lacking(self._info)
        ]

    def _find(self, request_id: str) -> Utterance:
        utterance = self._open.get(request_id)
        if utterance is None:
            raise NotFound(f"no request {request_id!r} is open", param="request_id")
        return utterance


def options(message: Synthesize, voice: ChosenVoice) -> Options:
    """What the message asks for, typed as the pipeline wants it."""
    return Options(
        voice=voice,
        language=message.language or None,
        speed=message.speed,
        emotion=message.emotion,
        chunk_size=message.chunk_size,
        streaming=message.streaming,
        encoding=Encoding(message.format.encoding),
        sample_rate=message.format.sample_rate,
    )
