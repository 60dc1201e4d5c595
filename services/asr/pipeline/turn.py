"""One turn being transcribed: what to ask the engine, when, and what to tell the client.

While the speaker talks, a partial is asked for every 300 ms, never two at a time, and
less often when the answers take long. At a pause the final is asked for at once; while
the pause lasts the engine hears nothing more, so the text made at the pause is the text
of the turn when it ends there. If the speaker goes on, the audio held back follows.
"""

from collections.abc import Sequence

import numpy as np

from services.asr.engines.base import (
    SAMPLE_RATE,
    Samples,
    TranscribeOptions,
    Transcript,
)
from services.asr.pipeline.actions import Ask, Cancel, Close, EngineAction, Feed, Open, Settle
from services.asr.pipeline.finals import Span, final_message, seconds
from services.asr.pipeline.guard import Voice
from services.asr.pipeline.segmenter import Ended, Paused, Started
from services.asr.pipeline.transcript import LocalAgreement
from shared.errors import ParleyError
from shared.protocol.asr import (
    Candidate,
    Partial,
    SpeechEnd,
    SpeechStart,
    TurnEnd,
)
from shared.protocol.base import ErrorMessage, Message, WarningMessage

CADENCE = 300 * SAMPLE_RATE // 1000
"""Samples between partials on an idle machine."""
CHECK = 5 * SAMPLE_RATE
"""The same where the client wants no partials: they still bound the window."""
CHUNK = 100 * SAMPLE_RATE // 1000
"""Samples fed to the engine at once."""
TRIM = 12 * SAMPLE_RATE
"""Window from which agreed words are settled."""
FORCE = 22 * SAMPLE_RATE
"""Window that is cut even where hypotheses do not agree."""
UNHEARD = 10 * SAMPLE_RATE
"""Samples that may wait for the engine before the stream is held."""
UNJUDGED = 0.5
"""Probability of a candidate that is ready before the turn model is."""


class Turn:
    """From ``speech_start`` to ``final``.

    Args:
        index: of the segment, from 0.
        started: where it began.
        options: for the engine.
        partials, words: whether the client wants them.
        pushed: whether the speaker began it (push-to-talk), not the detector.
    """

    def __init__(
        self,
        index: int,
        started: Started,
        options: TranscribeOptions,
        *,
        partials: bool = True,
        words: bool = True,
        pushed: bool = False,
    ) -> None:
        self.index = index
        self.voice = Voice(heard=not pushed)
        self.done = False
        self.suppressed: list[str] = []
        """Why text was left out, for the metrics."""
        self._since = started.since
        self._speech_at = started.at
        self._cadence = CADENCE if partials else CHECK
        self._partials = partials
        self._words = words
        self._out: list[EngineAction] = [Open(index, options)]
        self._messages: list[Message] = []
        self._agreement = LocalAgreement()
        self._unfed: list[Samples] = []
        self._held: list[Samples] = []
        self._fed = 0
        self._asked_at = self._answered_at = started.at - started.since  # silence needs no asking
        self._settled = 0
        self._serial = 0
        self.asking = False
        """Whether the engine owes an answer."""
        self._paused = False
        self._behind = False
        self._skipped = False
        self._candidate: Transcript | None = None
        self._probability = UNJUDGED
        self._ended: Ended | None = None
        self._announce(started)

    @property
    def unheard(self) -> bool:
        """Whether the engine is so far behind that the stream should wait."""
        return self.asking and self._fed - self._answered_at > UNHEARD

    @property
    def since(self) -> int:
        """Where the turn's audio begins, in samples of the stream."""
        return self._since

    @property
    def outspoken(self) -> bool:
        """Whether there is something to take."""
        return bool(self._out or self._messages or self.suppressed)

    def take(self) -> tuple[Sequence[EngineAction], Sequence[Message]]:
        """What is to be done and sent since the last call."""
        actions, self._out = self._out, []
        messages, self._messages = self._messages, []
        return actions, messages

    def hear(self, samples: Samples) -> None:
        """The turn's next audio."""
        if self._paused:
            self._held.append(samples)
            return
        self._unfed.append(samples)
        if sum(map(len, self._unfed)) < CHUNK:
            return
        self._feed()
        if not self.asking and self._fed - self._asked_at >= self._cadence:
            self._ask(final=False)
        elif self.unheard and not self._behind:
            self._behind = True
            self._warn("falling_behind", "the engine is slower than the speaker")

    def pause(self, paused: Paused) -> None:
        """Speech stopped; perhaps the turn is over."""
        self._say(SpeechEnd(timestamp=seconds(paused.at), segment=self.index))
        self._feed()
        self._paused = True
        self._ask(final=True)

    def judged(self, probability: float | None) -> None:
        """The turn model's opinion of this pause."""
        self._probability = UNJUDGED if probability is None else probability
        if probability is None and not self._skipped:
            self._skipped = True
            self._warn("turn_model_skipped", "the turn model had no time; silence decides")

    def resume(self, started: Started) -> None:
        """The speaker goes on: what was made at the pause is void."""
        self._paused = False
        self._candidate = None
        self._probability = UNJUDGED
        self._withdraw()
        self._trim()
        self._unfed, self._held = self._held, []
        self._feed()
        self._announce(started)

    def end(self, ended: Ended) -> None:
        """The turn is over; its final follows when the text is there."""
        self._ended = ended
        self._say(
            TurnEnd(
                timestamp=seconds(ended.at),
                probability=round(ended.probability, 3),
                reason=ended.reason,
                segment=self.index,
            )
        )
        if not self._paused:
            self._feed()
            self._ask(final=True)
        elif self._candidate is not None:
            self._finish(self._candidate)

    def answered(self, serial: int, transcript: Transcript | None) -> None:
        """Take what was asked for; an answer to an older question is not looked at."""
        if serial != self._serial or not self.asking:
            return
        self.asking = False
        lag = self._fed - self._asked_at
        self._answered_at = self._asked_at
        if self._partials:
            self._cadence = max(CADENCE, 2 * lag)
        if transcript is None:
            return
        transcript = self._sifted(transcript)
        if self._paused or self._ended:
            self._take_final(transcript)
        else:
            self._take_partial(transcript)

    def failed(self, serial: int, error: ParleyError) -> None:
        """The engine failed: a partial is missed, a final is made of what is known."""
        if serial != self._serial or not self.asking:
            return
        self.asking = False
        self._answered_at = self._asked_at
        if not self._paused and not self._ended:
            return
        known = Transcript(
            self._agreement.text, self._agreement.words, confidence=self._agreement.confidence
        )
        if known.text:
            self._warn("partial_result", f"{error.code}: {error.message}")
        else:
            self._say(ErrorMessage.of(error))
        self._candidate = known
        if self._ended:
            self._finish(known)

    def _announce(self, started: Started) -> None:
        self._say(SpeechStart(timestamp=seconds(started.at), segment=self.index))

    def _say(self, message: Message) -> None:
        self._messages.append(message)

    def _warn(self, code: str, text: str) -> None:
        self._say(WarningMessage(code=code, message=text))

    def _feed(self) -> None:
        if self._unfed:
            samples = np.concatenate(self._unfed)
            self._unfed = []
            self._fed += len(samples)
            self._out.append(Feed(self.index, samples))

    def _ask(self, *, final: bool) -> None:
        self._withdraw()
        self._serial += 1
        self.asking = True
        self._asked_at = self._fed
        self._out.append(Ask(self.index, self._serial, final))

    def _withdraw(self) -> None:
        if self.asking:
            self.asking = False
            self._out.append(Cancel(self.index))

    def _sifted(self, transcript: Transcript) -> Transcript:
        for code, text in transcript.warnings:
            self._warn(code, text)
        transcript, reasons = self.voice.sift(transcript)
        self.suppressed += reasons
        return transcript

    def _take_partial(self, transcript: Transcript) -> None:
        before = self._agreement.text, self._agreement.stable
        self._agreement.update(transcript)
        after = self._agreement.text, self._agreement.stable
        if self._partials and after[0] and after != before:
            self._say(
                Partial(
                    text=after[0],
                    stable=after[1],
                    confidence=round(transcript.confidence, 3),
                    timestamp=seconds(self._since + self._asked_at),
                    segment=self.index,
                )
            )
        self._trim()

    def _take_final(self, transcript: Transcript) -> None:
        whole = self._agreement.complete(transcript)
        if self._ended:
            self._finish(whole)
            return
        self._candidate = whole
        self._agreement.update(transcript)
        if whole.text:
            self._say(
                Candidate(
                    text=whole.text,
                    probability=round(self._probability, 3),
                    segment=self.index,
                    timestamp=seconds(self._since + self._asked_at),
                )
            )

    def _trim(self) -> None:
        window = self._fed - self._settled
        if window < TRIM:
            return
        until = self._agreement.settle(force=window >= FORCE)
        if until is not None:
            self._settled = round(until * SAMPLE_RATE)
            self._out.append(Settle(self.index, until))

    def _finish(self, transcript: Transcript) -> None:
        assert self._ended is not None  # noqa: S101 - the callers have looked
        if not transcript.text:
            self.suppressed.append("no_words")
        span = Span(self._since, self._fed, self._speech_at, self._ended.spoken_until)
        self._say(final_message(transcript, span, self.index, words=self._words))
        self._out.append(Close(self.index))
        self.done = True
