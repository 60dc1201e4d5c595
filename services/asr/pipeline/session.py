"""One connection's listening, sans I/O: samples, messages and results in, actions out.

The stream is worked through in order, frame by frame, messages at their place between
the samples. It is held while the turn model judges, while the engine is far behind, and
while two finals are still owed, so a session's memory is bounded and the same audio gives
the same turns however fast it comes. Samples are the only clock.
"""

from collections import deque

import numpy as np

from services.asr.engines.base import (
    FRAME,
    SAMPLE_RATE,
    Samples,
    SpeechDetector,
    TranscribeOptions,
    Transcript,
)
from services.asr.pipeline.actions import (
    Action,
    AskJudgement,
    Finish,
    Flushed,
)
from services.asr.pipeline.framing import Frame, Framing
from services.asr.pipeline.inbox import Control, Gap, Inbox, Input
from services.asr.pipeline.presets import samples as samples_of
from services.asr.pipeline.presets import vad_settings
from services.asr.pipeline.segmenter import Ended, Event, Events, Judge, Paused, Segmenter, Started
from services.asr.pipeline.turns import Turns
from shared.audio.ring import Ring
from shared.errors import ParleyError
from shared.protocol.asr import Config, End, Flush, Reset, Silence

JUDGED = 8 * SAMPLE_RATE
"""Samples that the turn model looks at."""


class Session:
    """The listening of one connection.

    Args:
        detector: of this stream.
        owner: the connection's id, for fairness between connections.
        semantic: whether there is a turn model.
        longest_turn_s: a longer turn is ended.
    """

    def __init__(
        self,
        detector: SpeechDetector,
        *,
        owner: str = "",
        semantic: bool = True,
        longest_turn_s: float = 600.0,
    ) -> None:
        self._detector = detector
        self._owner = owner
        self._semantic = semantic
        self._longest_turn_s = longest_turn_s
        self._segmenter = Segmenter()
        self._inputs = Inbox()
        self._frames = Framing()
        self._heard = Ring(JUDGED + SAMPLE_RATE)
        self._turns = Turns()
        self._out: list[Action] = []
        self._judging = 0
        self._judgements = 0
        self._ending = False
        self._finished = False
        self._configure(Config())

    @property
    def suppressed(self) -> deque[str]:
        """Why text was left out since this was last emptied."""
        return self._turns.suppressed

    @property
    def holding(self) -> bool:
        """Whether the stream waits for a result."""
        return bool(self._judging) or self._turns.owing

    @property
    def runnable(self) -> bool:
        """Whether ``advance`` has something to do."""
        waiting = self._frames.ready or bool(self._inputs)
        return bool(self._out) or (waiting and not self.holding)

    @property
    def waiting(self) -> bool:
        """Whether there is something to work through, or an answer to come."""
        return self.runnable or bool(self._judging) or self._turns.asking

    @property
    def idle(self) -> bool:
        """Whether nobody speaks, nothing is owed and nothing is waiting."""
        worked = not self._inputs and self._frames.samples < FRAME
        return worked and not self._turns and self._segmenter.idle

    @property
    def backlog(self) -> int:
        """Samples that came and are not worked through."""
        return self._inputs.samples + self._frames.samples

    @property
    def position(self) -> int:
        """Samples worked through."""
        return self._segmenter.position

    def hear(self, samples: Samples) -> None:
        """The next samples of the stream, float32 at 16 kHz, any number.

        With nothing before them they join the frame that is not whole yet: three of eight
        frames of 20 ms complete none of ours, and nobody need be woken for those.
        """
        if self._inputs or self._frames.ready:
            self._inputs.put(samples)
        else:
            self._accept(samples)

    def tell(self, message: Control) -> None:
        """A message at its place in the stream."""
        if isinstance(message, Reset):
            self._drop()
        else:
            self._inputs.put(message)

    def answered(self, turn: int, serial: int, transcript: Transcript | None) -> None:
        """What an ``Ask`` brought."""
        self._turns.answered(turn, serial, transcript)
        self._collect()

    def failed(self, turn: int, serial: int, error: ParleyError) -> None:
        """An ``Ask`` that brought an error."""
        self._turns.failed(turn, serial, error)
        self._collect()

    def judged(self, serial: int, probability: float | None) -> None:
        """What an ``AskJudgement`` brought; None: it was skipped."""
        if serial != self._judging:
            return
        self._judging = 0
        if self._turns:
            self._turns.last.judged(probability)
        self._follow(self._segmenter.verdict(probability))
        self._collect()

    def advance(self, steps: int = 16) -> list[Action]:
        """Work on until something is to be done, at most so many frames and messages."""
        self._collect()
        for _ in range(steps):
            if self._out or self.holding or not self._step():
                break
            self._collect()
        actions, self._out = self._out, []
        return actions

    def _step(self) -> bool:
        if self._frames.ready:
            self._listen()
        elif self._inputs:
            self._accept(self._inputs.take())
        else:
            return False
        return True

    def _accept(self, item: Input) -> None:
        match item:
            case np.ndarray():
                self._frames.put(item)
            case Config():
                self._configure(item)
            case Silence():
                self._frames.put_silence(samples_of(item.ms))
            case Gap():
                self._frames.put_silence(item.samples)
            case Flush():
                self._out.append(Flushed(self._segmenter.in_turn))
                self._flush()
            case End():
                self._flush()
                self._ending = True

    def _configure(self, config: Config) -> None:
        settings = vad_settings(config, longest_s=self._longest_turn_s)
        self._config = config
        self._segmenter.configure(settings, semantic=self._semantic)
        self._options = TranscribeOptions(
            language=config.language,
            prompt=config.prompt,
            words=config.words,
            owner=self._owner,
        )

    def _listen(self) -> None:
        """Hear one frame, or pass over the withheld silence where nobody speaks."""
        if self._frames.silent and self._segmenter.idle:
            self._pass(self._frames.drop())
            self._begin_anew()
        elif frame := self._frames.take():
            self._frame(frame)

    def _pass(self, samples: int) -> None:
        """Let time pass without listening."""
        self._segmenter.advance(samples)
        self._heard.append(np.zeros(samples, np.float32))

    def _frame(self, frame: Frame) -> None:
        probability = 0.0 if frame.silent else self._detector.probability(frame.samples)
        self._heard.append(frame.samples)
        was_in_turn = self._segmenter.in_turn
        events = list(self._segmenter.push(probability))
        if was_in_turn:
            self._turns.last.hear(frame.samples)
        self._follow(events)
        if self._segmenter.in_turn:
            self._turns.last.voice.look(probability)

    def _follow(self, events: "Events | list[Event]") -> None:
        for event in events:
            match event:
                case Started():
                    self._start(event)
                case Paused():
                    self._turns.last.pause(event)
                case Judge():
                    self._judge()
                case Ended():
                    self._turns.last.end(event)

    def _start(self, started: Started) -> None:
        if not started.fresh:
            self._turns.last.resume(started)
            return
        turn = self._turns.begin(
            started,
            self._options,
            partials=self._config.partials,
            words=self._config.words,
            pushed=not self._segmenter.settings.enabled,
        )
        turn.hear(self._heard.read(max(started.since, self._heard.start), self._heard.end))

    def _judge(self) -> None:
        self._judgements += 1
        self._judging = self._judgements
        since = max(self._turns.last.since, self._heard.start, self._heard.end - JUDGED)
        samples = self._heard.read(since, self._heard.end)
        self._out.append(AskJudgement(self._judging, samples))

    def _flush(self) -> None:
        """End the turn where the stream is, the unfinished frame included."""
        rest = self._frames.take_rest()
        if len(rest):
            self._heard.append(rest)
            self._segmenter.advance(len(rest))
            if self._segmenter.in_turn:
                self._turns.last.hear(rest)
        self._follow(self._segmenter.flush())

    def _drop(self) -> None:
        """Forget what is buffered and the turn that is not over; finals owed still come."""
        dropped = self._inputs.drop()
        if dropped is None:
            return
        self._pass(self._frames.drop() + dropped)
        if self._segmenter.in_turn:
            self._out += self._turns.drop_last()
        self._segmenter.reset()
        self._begin_anew()
        self._judging = 0

    def _begin_anew(self) -> None:
        """Let the detector forget, and the segmenter know."""
        self._detector.reset()
        self._segmenter.begin_anew()

    def _collect(self) -> None:
        """Gather what the turns want done and sent."""
        self._out += self._turns.take()
        if self._ending and not self._turns and not self._finished:
            self._finished = True
            self._out.append(Finish())
