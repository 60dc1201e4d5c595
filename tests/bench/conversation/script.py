"""The scripted turns, and the clocks that read them: the same work that peers are given.

Frames of 20 ms in real time: 1.5 s of tone, 0.8 s of zeros, a reply of 2 s. Every second
reply is interrupted 0.7 s after it began. Conversations are spread over one cycle, or
all in step.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np

FRAME_S = 0.02
IN_RATE = 16_000
OUT_RATE = 24_000
SPEECH_FRAMES = 75
HANGOVER_FRAMES = 40
"""0.8 s of zeros; the last of them carries the end-of-speech decision."""
REPLY_FRAMES = 110
BARGE_FRAMES = 35
CYCLE_S = (2 * (SPEECH_FRAMES + HANGOVER_FRAMES) + REPLY_FRAMES + BARGE_FRAMES) * FRAME_S

TRANSCRIPT = "could you book a table for two tonight"
FIRST_WORDS = "hold on"
"""What is heard first; no words of any reply here, lest they be taken for its echo."""
REPLY = ("Sure, ", "your ", "table ", "is ", "booked. ", "We ", "expect ", "you ", "at ", "eight.")


def _tone(hertz: float, rate: int, seconds: float, level: int) -> bytes:
    at = np.arange(round(rate * seconds)) / rate
    return (level * np.sin(2 * np.pi * hertz * at)).astype("<i2").tobytes()


TONE = _tone(220, IN_RATE, FRAME_S, 9000)
ZEROS = bytes(len(TONE))
SENTENCE = _tone(330, OUT_RATE, 1.0, 6000)
"""What the voice makes of a sentence, at once."""

Push = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True)
class Plan:
    """Which frames carry tone, and which carry a decision."""

    tone: list[bool]
    starts: dict[int, bool]
    """Frames where speech begins; whether it interrupts a reply."""
    ends: frozenset[int]

    @classmethod
    def of(cls, seconds: float) -> "Plan":
        """As many whole turns as fit, every second one interrupted."""
        tone: list[bool] = []
        starts, ends, barged, turn = {}, set(), False, 0
        total = round(seconds / FRAME_S)
        while True:
            room = BARGE_FRAMES if turn % 2 else REPLY_FRAMES
            if len(tone) + SPEECH_FRAMES + HANGOVER_FRAMES + room > total:
                break
            starts[len(tone)] = barged
            tone += [True] * SPEECH_FRAMES + [False] * HANGOVER_FRAMES
            ends.add(len(tone) - 1)
            tone += [False] * room
            barged, turn = bool(turn % 2), turn + 1
        tone += [False] * (REPLY_FRAMES - BARGE_FRAMES) * barged
        return cls(tone, starts, frozenset(ends))


class Detector:
    """The recogniser's rule: any sound is speech, and the 0.8 s of silence after it."""

    def __init__(self) -> None:
        self.speaking = False
        self._silent = 0

    def feed(self, pcm: bytes) -> str | None:
        """``start`` or ``end`` when this frame decides one."""
        if any(pcm[2:34]):
            self._silent = 0
            started, self.speaking = not self.speaking, True
            return "start" if started else None
        if self.speaking:
            self._silent += 1
            if self._silent >= HANGOVER_FRAMES:
                self.speaking = False
                return "end"
        return None


@dataclass
class Clock:
    """One conversation's clock, in seconds."""

    plan: Plan
    turns: list[float] = field(default_factory=list)
    """From pushing the frame with the decision to the first audio of the reply."""
    ducks: list[float] = field(default_factory=list)
    """From pushing the first frame of an interruption to the order to duck."""
    clears: list[float] = field(default_factory=list)
    """From the same frame, which is also what decides it here, to the order to clear."""
    late: list[float] = field(default_factory=list)
    stale: int = 0
    """Audio frames after an order to clear, before the next turn."""
    _ended: float | None = None
    _began: float | None = None
    _cleared: bool = False

    def audio(self) -> None:
        """A frame of the reply comes out."""
        if self._ended is not None:
            self.turns.append(time.perf_counter() - self._ended)
            self._ended, self._cleared = None, False
        elif self._cleared:
            self.stale += 1

    def duck(self) -> None:
        """Playback is lowered."""
        if self._began is not None:
            self.ducks.append(time.perf_counter() - self._began)

    def clear(self) -> None:
        """Playback is thrown away."""
        if self._began is not None:
            self.clears.append(time.perf_counter() - self._began)
            self._began, self._cleared = None, True

    async def feed(self, push: Push, begin: float) -> None:
        """Push every frame in real time from ``begin`` (``perf_counter``) on."""
        for index, tone in enumerate(self.plan.tone):
            due = begin + index * FRAME_S
            if (delay := due - time.perf_counter()) > 0:
                await asyncio.sleep(delay)
            now = time.perf_counter()
            self.late.append(now - due)
            if self.plan.starts.get(index):
                self._began = now
            elif index in self.plan.ends:
                self._ended = now
            await push(TONE if tone else ZEROS)


def percentile(values: list[float], share: float) -> float:
    """Nearest rank; not a number for no values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


async def run(clocks: list[Clock], pushes: list[Push], *, lockstep: bool) -> None:
    """Feed all conversations."""
    begin = time.perf_counter() + 0.3
    step = 0.0 if lockstep else CYCLE_S / len(clocks)
    async with asyncio.TaskGroup() as group:
        for number, (clock, push) in enumerate(zip(clocks, pushes, strict=True)):
            group.create_task(clock.feed(push, begin + number * step))
