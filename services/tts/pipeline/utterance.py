"""One request, from its first text to its end. Sans-I/O: text in, clauses to speak out."""

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum

from services.tts.engines.base import EngineInfo
from services.tts.pipeline.catalogue import ChosenVoice
from services.tts.pipeline.chunker import Chunker, Clause
from services.tts.pipeline.normalise.mapped import Mapped
from services.tts.pipeline.text import has_words, speakable
from shared.audio.pcm import Encoding
from shared.errors import Conflict, InvalidRequest, TooLarge

DEFAULT_EMOTION = 0.5


class State(Enum):
    """Where a request is; it only ever goes down this list."""

    OPEN = "open"
    """More text may come."""
    COMPLETE = "complete"
    """All text is in."""
    OVER = "over"
    """Spoken, cancelled or failed."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a request is to be spoken."""

    voice: ChosenVoice
    language: str | None = None
    speed: float = 1.0
    emotion: float = DEFAULT_EMOTION
    chunk_size: int = 50
    streaming: bool = True
    encoding: Encoding = Encoding.F32LE
    sample_rate: int = 24_000
    instructions: str | None = None

    def lacking(self, info: EngineInfo) -> list[str]:
        """The options that were asked for and that this engine leaves out."""
        short = (self.language or "").lower().partition("-")[0]
        asked = {
            "emotion": self.emotion != DEFAULT_EMOTION,
            "language": bool(short) and info.languages != (short,),
            "instructions": bool(self.instructions),
        }
        able = info.capabilities
        return [name for name, given in asked.items() if given and name not in able]

    def within(self, info: EngineInfo) -> "Options":
        """Without what this engine cannot do; speed is left, it works everywhere."""
        if "language" in info.capabilities:
            return self
        return replace(self, language=None)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A clause in the words that the engine is to say."""

    text: Mapped
    clause: Clause
    end: int
    """Offset in the user's text of the end of what it speaks, unspoken marks included."""

    def written(self, start: int, end: int) -> str:
        """What the user wrote at these offsets."""
        return self.clause.text[start - self.clause.start : end - self.clause.start]


class Utterance:
    """One request's text.

    Args:
        request_id: the client's name for it.
        longest: characters that the engine says in one go.
        most_text: characters that the request may have in all.
    """

    def __init__(self, request_id: str, options: Options, *, longest: int, most_text: int) -> None:
        self.request_id = request_id
        self.options = options
        self.state = State.OPEN
        self._chunker = Chunker(longest)
        self._longest = longest
        self._most_text = most_text
        self._spoken: deque[Spoken] = deque()
        self._clauses: deque[Clause] = deque()
        self._name_emoji = False
        self.param = "text"
        """What the client calls its text."""
        self.incremental = True
        """Whether its text came in pieces."""

    @property
    def received(self) -> int:
        """Characters of text so far."""
        return self._chunker.received

    def whole(self, text: str, *, param: str = "text") -> None:
        """All of its text at once; `param` is what the client calls it.

        Raises:
            InvalidRequest: there is no text. TooLarge: there is too much.
        """
        if not text.strip():
            raise InvalidRequest("the text is empty", param=param)
        self.incremental = False
        self.param = param
        self._name_emoji = not has_words(text)
        self.feed(text)
        self.end()

    def feed(self, text: str) -> None:
        """More text.

        Raises:
            Conflict: its end was announced. TooLarge: it would have too much.
        """
        self._check_open()
        if self.received + len(text) > self._most_text:
            raise TooLarge(
                f"the text is longer than {self._most_text} characters (TTS_MAX_TEXT_CHARS)",
                param="text",
            )
        self._clauses.extend(self._chunker.feed(text))

    def flush(self) -> None:
        """Speak what is there without waiting for its clause to end.

        Raises:
            Conflict: its end was announced.
        """
        self._check_open()
        self._clauses.extend(self._chunker.flush())

    def end(self) -> None:
        """No more text will come.

        Raises:
            Conflict: that was said before.
        """
        self.flush()
        self.state = State.COMPLETE

    def close(self) -> None:
        """Nothing more of it will be spoken."""
        self.state = State.OVER
        self._clauses.clear()
        self._spoken.clear()

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left to speak, now or later."""
        return self.state is not State.OPEN and not self._clauses and not self._spoken

    def next(self) -> Spoken | None:
        """The next clause to speak, put into words; None while there is none."""
        while not self._spoken and self._clauses:
            self._spoken.extend(self._worded(self._clauses.popleft()))
        return self._spoken.popleft() if self._spoken else None

    def _worded(self, clause: Clause) -> list[Spoken]:
        language = self.options.language or next(iter(self.options.voice.languages), None)
        text = speakable(clause.text, language, offset=clause.start, name_emoji=self._name_emoji)
        if len(text) <= self._longest:
            return [Spoken(text, clause, clause.end)] if len(text) else []
        # Numbers and addresses grow when they are spelt out.
        cutter = Chunker(self._longest)
        cuts = cutter.feed(text.text) + cutter.flush()
        parts = [text.slice(cut.start, cut.end).stripped() for cut in cuts]
        spoken = [Spoken(part, clause, part.ends[-1]) for part in parts if len(part)]
        return [*spoken[:-1], replace(spoken[-1], end=clause.end)]

    def _check_open(self) -> None:
        if self.state is not State.OPEN:
            raise Conflict(f"request {self.request_id!r} takes no more text", param="request_id")
