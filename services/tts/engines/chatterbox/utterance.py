"""One request between its text and its last sample."""

from collections import deque
from dataclasses import dataclass, field

import torch

from services.tts.engines.base import SAMPLE_RATE, SpeechChunk, SpeechRequest
from services.tts.engines.chatterbox import text as texts
from services.tts.engines.chatterbox.decoding import Decoding, End
from services.tts.engines.chatterbox.flow import FRAMES_PER_TOKEN, Reference
from services.tts.engines.chatterbox.guards import Limits
from services.tts.engines.chatterbox.hift import HOP
from services.tts.engines.chatterbox.listener import Listener
from services.tts.engines.chatterbox.text import Span
from services.tts.engines.chatterbox.trim import level, trim_tail
from services.tts.engines.chatterbox.variants import (
    SILENCE_TOKEN,
    SPEECH_VOCABULARY,
    SamplingParams,
    VariantSpec,
)
from services.tts.engines.chatterbox.vocode import WHOLE, SpeechStream
from services.tts.engines.chatterbox.voice import VoiceConditions
from services.tts.engines.chatterbox.words import WordClock

_RUNAWAY = ("speech_cut", "the model went on after the text, and was stopped")


@dataclass(frozen=True, slots=True)
class Speech:
    """What the engine submits to the runner."""

    request: SpeechRequest
    voice: VoiceConditions
    params: SamplingParams
    listener: Listener = field(default_factory=Listener)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the text short enough for the model.

    Attributes:
        span: as it stands in the request.
        spoken: normalised and padded, as the model gets it.
    """

    span: Span
    spoken: str
    limits: Limits


@dataclass(slots=True)
class _Voiced:
    """A piece whose tokens are being made or vocoded."""

    piece: Piece
    stream: SpeechStream
    words: WordClock | None = None
    """Once its first sample's time is known."""


def pieces(request: SpeechRequest, spec: VariantSpec) -> deque[Piece]:
    """Cut and prepare a request's text."""
    cut: deque[Piece] = deque()
    for span in texts.split(request.text, spec.safe_tokens):
        spoken = texts.normalise(span.text, spec.variant)
        if texts.is_short(span.text):
            spoken = texts.pad(spoken)
        cut.append(Piece(span, spoken, texts.limits(spoken)))
    return cut


@dataclass(slots=True)
class Utterance:
    """The state of a request in the running batch.

    Attributes:
        waiting: pieces that were not begun.
        decoding: the piece whose tokens are being made; its stream is the last one.
    """

    spec: VariantSpec
    reference: Reference
    speech: Speech
    waiting: deque[Piece]
    decoding: Decoding | None = None
    warnings: list[tuple[str, str]] = field(default_factory=list)
    _voiced: deque[_Voiced] = field(default_factory=deque)
    _taken: int = 0
    _given: int = 0
    _loudest: float = 0.0

    @property
    def over(self) -> bool:
        """Whether all was given out."""
        return not self.waiting and self.decoding is None and not self._voiced

    @property
    def stream(self) -> SpeechStream | None:
        """The stream whose audio comes next."""
        return self._voiced[0].stream if self._voiced else None

    def begin(self, decoding: Decoding) -> None:
        """The next piece joined the batch."""
        piece = self.waiting.popleft()
        self.decoding, self._taken = decoding, 0
        request = self.speech.request
        chunk = WHOLE if request.whole else max(1, request.chunk_size)
        stream = SpeechStream(self.reference, chunk, self.speech.params.seed, request.whole)
        self._voiced.append(_Voiced(piece, stream))

    def gather(self) -> Decoding | None:
        """Hand new tokens to the vocoder; the decoding, once it is over and may leave."""
        decoding = self.decoding
        if decoding is None:
            return None
        stream = self._voiced[-1].stream
        new = decoding.tokens[self._taken :]
        self._taken += len(new)
        stream.tokens.extend(token for token in new if token < SPEECH_VOCABULARY)
        if decoding.end is None:
            return None
        if decoding.end is not End.SPOKEN:
            self.warnings.append(_RUNAWAY)
        if stream.tokens:
            stream.tokens.extend([SILENCE_TOKEN] * self.spec.silence_tokens)
        stream.final = True
        self.decoding = None
        self._drop_silent()
        return decoding

    def chunk(self, samples: torch.Tensor) -> SpeechChunk:
        """What the vocoder made of :attr:`stream`, with its words."""
        voiced = self._voiced[0]
        stream = voiced.stream
        if voiced.words is None:
            voiced.words = WordClock(voiced.piece.span, self._given / SAMPLE_RATE)
        sound = samples.numpy()
        self._loudest = max(self._loudest, level(sound))
        made = stream.emitted * HOP / SAMPLE_RATE
        total = len(stream.tokens) * FRAMES_PER_TOKEN * HOP / SAMPLE_RATE
        if stream.done:
            untrimmed = len(sound)
            sound = trim_tail(sound, self._loudest)
            made = total = made - (untrimmed - len(sound)) / SAMPLE_RATE
            self._voiced.popleft()
            self._drop_silent()
        words = voiced.words.until(made, total if stream.final else None, last=stream.done)
        self._given += len(sound)
        warnings, self.warnings = tuple(self.warnings), []
        return SpeechChunk(sound, words, warnings)

    def _drop_silent(self) -> None:
        """Pieces of which the model said nothing have no chunk to come."""
        while self._voiced and self._voiced[0].stream.done:
            self._voiced.popleft()
