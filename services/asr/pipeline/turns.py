"""The turns of one stream that are not over, and what they want done and said, in order."""

from collections import deque

from services.asr.engines.base import TranscribeOptions, Transcript
from services.asr.pipeline.actions import Action, Cancel, Close, Send
from services.asr.pipeline.outbox import Outbox
from services.asr.pipeline.segmenter import Started
from services.asr.pipeline.turn import Turn
from shared.errors import ParleyError

OWED = 2
"""Turns that may wait for their finals before the stream is held."""


class Turns:
    """The last one may be spoken still; those before it wait for their finals."""

    def __init__(self) -> None:
        self._turns: deque[Turn] = deque()
        self._outbox = Outbox()
        self._next = 0
        self.suppressed: deque[str] = deque(maxlen=64)
        """Why text was left out since this was last emptied."""

    def __bool__(self) -> bool:
        return bool(self._turns)

    @property
    def last(self) -> Turn:
        """The one that began last; there must be one."""
        return self._turns[-1]

    @property
    def owing(self) -> bool:
        """Whether the engine owes so much that the stream should wait."""
        return len(self._turns) > OWED or any(turn.unheard for turn in self._turns)

    @property
    def asking(self) -> bool:
        """Whether the engine owes an answer."""
        return any(turn.asking for turn in self._turns)

    def begin(
        self,
        started: Started,
        options: TranscribeOptions,
        *,
        partials: bool,
        words: bool,
        pushed: bool,
    ) -> Turn:
        """A new turn; see :class:`Turn`."""
        turn = Turn(self._next, started, options, partials=partials, words=words, pushed=pushed)
        self._next += 1
        self._turns.append(turn)
        return turn

    def answered(self, index: int, serial: int, transcript: Transcript | None) -> None:
        """What an ``Ask`` of a turn brought; nothing happens when it is over."""
        for turn in self._turns:
            if turn.index == index:
                turn.answered(serial, transcript)

    def failed(self, index: int, serial: int, error: ParleyError) -> None:
        """An ``Ask`` of a turn that brought an error."""
        for turn in self._turns:
            if turn.index == index:
                turn.failed(serial, error)

    def drop_last(self) -> list[Action]:
        """Forget the last turn and what it had to say."""
        turn = self._turns.pop()
        actions = self._gathered(turn)
        self._outbox.drop(turn.index)
        return [*actions, Cancel(turn.index), Close(turn.index)]

    def take(self) -> list[Action]:
        """What is to be done and sent since the last call; turns that are done are forgotten."""
        spoken = [turn for turn in self._turns if turn.outspoken]
        actions = [action for turn in spoken for action in self._gathered(turn)]
        while self._turns and self._turns[0].done:
            self._outbox.close(self._turns.popleft().index)
        if spoken:
            actions += [Send(message) for message in self._outbox.take()]
        return actions

    def _gathered(self, turn: Turn) -> list[Action]:
        """What a turn wants done; what it says goes to the outbox."""
        actions, messages = turn.take()
        self._outbox.put(turn.index, messages)
        self.suppressed += turn.suppressed
        turn.suppressed.clear()
        return [*actions]
