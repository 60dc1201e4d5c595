"""A dialogue with its clock, and what its services tell it."""

from services.orchestrator.llm.base import Done
from services.orchestrator.pipeline import events
from services.orchestrator.pipeline.actions import Action, Tell
from services.orchestrator.pipeline.dialogue import Dialogue
from services.orchestrator.pipeline.heard import Spoken
from services.orchestrator.pipeline.options import Options
from services.orchestrator.pipeline.state import State
from shared.protocol import asr

SECOND = bytes(48_000)
REPLY = "Your table is booked. We expect you at eight."


class Stage:
    """A dialogue, its clock and everything that it has wanted."""

    def __init__(self, **options: object) -> None:
        self.now = 100.0
        self.dialogue = Dialogue(Options(**options))  # type: ignore[arg-type]
        self.actions: list[Action] = []

    def does(self, *happenings: object) -> list[Action]:
        """Actions that these events cause."""
        new: list[Action] = []
        for event in happenings:
            new += self.dialogue.handle(event, self.now)
        self.actions += new
        return new

    def waits(self, seconds: float) -> list[Action]:
        """Let time pass, ticking when asked to."""
        end, new = self.now + seconds, []
        for _ in range(1000):
            at = self.dialogue.deadline
            if at is None or at > end:
                break
            self.now = max(self.now, at)
            new += self.dialogue.tick(self.now)
        self.now = end
        self.actions += new
        return new

    def is_in(self, state: State) -> bool:
        """Whether this is what the assistant is doing."""
        return self.dialogue.state is state

    def told(self, kind: str) -> list[object]:
        """Events of a type that the client was sent."""
        return [a.message for a in self.actions if isinstance(a, Tell) and a.message.type == kind]  # type: ignore[attr-defined]

    def says(self, text: str = "Book a table.", *, candidate: bool = False) -> list[Action]:
        """The user says something."""
        done = self.does(start(), pause())
        if candidate:
            done += self.does(asr.Candidate(text=text, probability=0.9, segment=0, timestamp=1))
        return done + self.does(turn_end(), final(text))

    def answers(self, text: str = REPLY, seconds: float = 4.0) -> list[Action]:
        """Model and synthesiser answer, with words spread evenly."""
        generation = self.dialogue.generation
        done = self.does(events.MindSaid(generation, text), events.MindDone(generation, Done()))
        count = len(text.split())
        step = seconds / count
        words = [(i * step, (i + 1) * step) for i in range(count)]
        done += self.does(
            events.SpeechMade(
                generation, bytes(int(seconds * 24_000) * 2), Spoken(0, len(text), words)
            ),
            events.SpeechDone(generation),
        )
        return done


def start(at: float = 0.0) -> asr.SpeechStart:
    return asr.SpeechStart(timestamp=at)


def pause(at: float = 1.0) -> asr.SpeechEnd:
    return asr.SpeechEnd(timestamp=at)


def candidate(text: str) -> asr.Candidate:
    return asr.Candidate(text=text, probability=0.9, segment=0, timestamp=1)


def turn_end(at: float = 1.2) -> asr.TurnEnd:
    return asr.TurnEnd(timestamp=at, probability=0.9, reason="semantic")


def partial(text: str) -> asr.Partial:
    return asr.Partial(text=text, confidence=0.9, timestamp=1)


def final(text: str) -> asr.Final:
    return asr.Final(text=text, start=0.0, end=1.0, language="en")


def kinds(actions: list[Action]) -> list[str]:
    return [a.message.type if isinstance(a, Tell) else type(a).__name__ for a in actions]  # type: ignore[attr-defined]
