"""Whatever the order of events, nothing of an older generation is ever sent."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.orchestrator.llm.base import Done
from services.orchestrator.pipeline import events
from services.orchestrator.pipeline.actions import (
    Action,
    EndSaying,
    Play,
    Say,
    Stop,
    Tell,
    Think,
)
from services.orchestrator.pipeline.dialogue import Dialogue
from services.orchestrator.pipeline.heard import Spoken
from services.orchestrator.pipeline.options import Options
from services.orchestrator.pipeline.state import TRANSITIONS, State
from shared.errors import EngineFailed, UpstreamFailed
from shared.protocol import asr, conversation
from shared.protocol.base import Message

TEXTS = st.sampled_from(["", "okay", "book a table", "no stop", "uh-huh", "for two"])
PCM = {number: bytes([number, 0]) * 12_000 for number in range(256)}

USER = st.one_of(
    st.just(asr.SpeechStart(timestamp=0)),
    st.just(asr.SpeechEnd(timestamp=0)),
    st.just(asr.TurnEnd(timestamp=0, probability=1, reason="silence")),
    TEXTS.map(lambda text: asr.Partial(text=text, confidence=1, timestamp=0)),
    TEXTS.map(lambda text: asr.Candidate(text=text, probability=1, segment=0, timestamp=0)),
    TEXTS.map(lambda text: asr.Final(text=text, start=0, end=1)),
    st.just(conversation.Interrupt()),
    st.just(conversation.Text(text="typed")),
    st.builds(
        conversation.Playback,
        turn_id=st.sampled_from(["turn_1", "turn_2", "turn_3"]),
        played_ms=st.floats(0, 3000),
    ),
    st.just(events.HearingFailed(UpstreamFailed("gone"))),
)
ENDS_A_DUCK = conversation.AudioResume | conversation.AudioClear | conversation.ReplyDone
MADE = st.sampled_from(
    ["said", "said", "done", "failed", "audio", "audio", "spoken", "torn", "filler"]
)
HAPPENING = st.one_of(
    USER,
    st.tuples(MADE, st.integers(0, 3)),
    st.floats(0, 1.5).map(lambda seconds: ("wait", seconds)),
)


def produced(kind: str, generation: int) -> object:
    """What a producer of that generation brings; its audio is made of its number."""
    match kind:
        case "said":
            return events.MindSaid(generation, f"This is reply {generation}, it says much. ")
        case "done":
            return events.MindDone(generation, Done())
        case "failed":
            return events.MindFailed(generation, UpstreamFailed("no"))
        case "audio":
            return events.SpeechMade(generation, PCM[generation % 256], Spoken(0, 10))
        case "spoken":
            return events.SpeechDone(generation)
        case "torn":
            return events.SpeechFailed(generation, EngineFailed("no"))
        case _:
            return events.FillerMade(generation, "Hmm", PCM[generation % 256])


class Run:
    """A dialogue under a storm of events, and what must hold of all that it wants."""

    def __init__(self, options: Options) -> None:
        self.dialogue = Dialogue(options)
        self.now = 10.0
        self.newest = 0
        self.stopped: set[int] = set()
        self.state = State.IDLE
        self.ducked = False

    def happens(self, happening: object) -> None:
        """One event, its actions checked."""
        if not isinstance(happening, tuple):
            actions = self.dialogue.handle(happening, self.now)
        elif happening[0] == "wait":
            self.now += happening[1]
            actions = self.dialogue.tick(self.now)
        else:
            event = produced(happening[0], max(0, self.newest - happening[1]))
            actions = self.dialogue.handle(event, self.now)
        for action in actions:
            self.checked(action)
        assert self.dialogue.state is self.state

    def checked(self, action: Action) -> None:
        """Generations, transitions and ducking are as they must be."""
        if isinstance(action, Think):
            assert action.generation > self.newest
            self.newest = action.generation
        elif isinstance(action, Stop):
            self.stopped.add(action.generation)
        elif isinstance(action, Play | Say | EndSaying):
            assert action.generation == self.newest
            assert action.generation not in self.stopped
        if isinstance(action, Play):
            assert not self.ducked, "audio was sent while ducked"
            assert action.pcm[0] == self.newest % 256 or action.pcm[-2] == 0
        if isinstance(action, Tell):
            self.told(action.message)

    def told(self, message: Message) -> None:
        """An event for the client."""
        if isinstance(message, conversation.StateEvent):
            new = State(message.value)
            assert new in TRANSITIONS[self.state]
            self.state = new
        if isinstance(message, conversation.AudioDuck):
            self.ducked = True
        if isinstance(message, ENDS_A_DUCK):
            self.ducked = False


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(HAPPENING, max_size=60), st.sampled_from([0.2, 0.4, 1.5]))
def test_no_interleaving_lets_an_old_reply_through(
    happenings: list[object], ahead_s: float
) -> None:
    run = Run(Options(ahead_s=ahead_s))
    for happening in happenings:
        run.happens(happening)


def test_the_check_would_notice() -> None:
    run = Run(Options())
    run.happens(conversation.Text(text="one"))
    run.happens(conversation.Text(text="two"))
    with pytest.raises(AssertionError):
        run.checked(Play(1, PCM[1]))
