"""A stage for sessions: it plays the adapter, answers what it is told to, notes everything."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from services.asr.engines.base import FRAME, SAMPLE_RATE, Samples, Transcript
from services.asr.pipeline.actions import (
    Action,
    Ask,
    AskJudgement,
    Feed,
    Send,
    Settle,
)
from services.asr.pipeline.session import Session
from shared.protocol.asr import (
    Config,
    End,
    Flush,
    Reset,
    Silence,
)
from shared.protocol.base import Message
from tests.doubles.asr_engine import LevelDetector, said

A = TypeVar("A")
M = TypeVar("M", bound=Message)


def speech(seconds: float) -> Samples:
    """Loud, and different in every sample, so that lost or repeated audio shows."""
    count = round(seconds * SAMPLE_RATE / FRAME) * FRAME
    return np.linspace(0.1, 0.9, count, dtype=np.float32)


def hush(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE / FRAME) * FRAME, np.float32)


class Stage:
    """Plays the adapter: answers what it is told to, notes everything."""

    def __init__(self, *, semantic: bool = True, verdict: float | None = 0.9) -> None:
        self.session = Session(LevelDetector(), semantic=semantic)
        self.verdict = verdict
        self.judging = True
        self.answering = True
        self.actions: list[Action] = []
        self.fed: dict[int, list[Samples]] = {}
        self.settled: dict[int, float] = {}
        self.asked: list[Ask] = []

    def hear(self, *pieces: Samples) -> None:
        for piece in pieces:
            self.session.hear(piece)
            self.play()

    def tell(self, *messages: Config | Flush | Reset | End | Silence) -> None:
        for message in messages:
            self.session.tell(message)
            self.play()

    def play(self) -> None:
        while self.session.runnable:
            for action in self.session.advance():
                self.actions.append(action)
                self._perform(action)

    def _perform(self, action: Action) -> None:
        match action:
            case Feed(turn, samples):
                self.fed.setdefault(turn, []).append(samples)
            case Settle(turn, until):
                self.settled[turn] = until
            case AskJudgement(serial, samples) if self.judging:
                self.judged(serial, samples)
            case Ask():
                self.asked.append(action)
                if self.answering:
                    self.answer(action)

    def judged(self, serial: int, samples: Samples) -> None:
        """Answer a judgement."""
        del samples
        self.session.judged(serial, self.verdict)

    def answer(self, ask: Ask, text: Transcript | None = None) -> None:
        heard = sum(map(len, self.fed.get(ask.turn, [])))
        transcript = text or said(heard, self.settled.get(ask.turn, 0.0))
        self.session.answered(ask.turn, ask.serial, transcript)

    def done(self, kind: type[A]) -> list[A]:
        return [action for action in self.actions if isinstance(action, kind)]

    def messages(self) -> list[Message]:
        return [action.message for action in self.done(Send)]

    def sent(self, kind: type[M]) -> list[M]:
        return [message for message in self.messages() if isinstance(message, kind)]

    def types(self) -> list[str]:
        return [str(message.model_dump()["type"]) for message in self.messages()]


def compact(types: Sequence[str]) -> list[str]:
    """Without repetitions in a row."""
    return [kind for n, kind in enumerate(types) if n == 0 or types[n - 1] != kind]
