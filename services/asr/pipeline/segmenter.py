"""Where turns begin, pause and end. Probabilities in, events out: no audio, no clock.

Each 32 ms frame is voice, dim or quiet, and a table says what that means in each state::

    state    voice                        dim                quiet
    IDLE     → ONSET                      -                  -
    ONSET    sure → SPEECH, started       -                  → IDLE
    SPEECH   goes on                      -                  → LULL
    LULL     → SPEECH                     long → PAUSE       long → PAUSE: paused, judge
    PAUSE    → RESUME                     too long → IDLE: ended; or judge again
    RESUME   sure → SPEECH, started       -                  → PAUSE

*Sure* takes two frames of voice, one of which is beyond doubt. A sound in a pause that stays
in doubt does not hold the turn open.
After a ``Judge`` the session holds the stream until the verdict is in: stream time stands
still meanwhile, so the same audio gives the same turns at any speed.
All positions are samples at 16 kHz from the first sample of the stream.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

from services.asr.engines.base import FRAME
from services.asr.pipeline.first_word import FirstWord
from services.asr.pipeline.presets import VadSettings

_AFTERGLOW = 3 * FRAME
"""Dim frames that the detector sees behind the end of speech; more of them are speech."""

_DOUBT = 20 * FRAME
"""Longest beginning: of a sound that was in doubt for longer, the last of it counts."""

Reason = Literal["semantic", "silence", "flush"]


@dataclass(frozen=True, slots=True)
class Started:
    """Speech began: a new turn, or the same one after a pause."""

    at: int
    """First sample of speech."""
    since: int
    """First sample of the turn's audio: ``at``, or a first word before it, less the padding."""
    fresh: bool
    """Whether it begins a turn."""


@dataclass(frozen=True, slots=True)
class Paused:
    """Speech paused; the turn may be over."""

    at: int
    """End of the speech."""


@dataclass(frozen=True, slots=True)
class Judge:
    """The turn model is to look at what was said up to now."""

    at: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The turn is over."""

    at: int
    """Where it was decided."""
    spoken_until: int
    """End of the speech."""
    probability: float
    """Of being complete, from the turn model; 1 when it was not asked."""
    reason: Reason


Event = Started | Paused | Judge | Ended
Events = Iterator[Event]


class State(Enum):
    """Where in a turn the speaker is."""

    IDLE = auto()
    ONSET = auto()
    SPEECH = auto()
    LULL = auto()
    PAUSE = auto()
    RESUME = auto()


class Sound(Enum):
    """What a frame sounds like."""

    VOICE = auto()
    DIM = auto()
    QUIET = auto()


_TALKING = frozenset({State.SPEECH, State.LULL, State.PAUSE, State.RESUME})


class Segmenter:
    """The state machine of one stream."""

    def __init__(self, settings: VadSettings | None = None) -> None:
        self.configure(settings or VadSettings())
        self.position = 0
        """Samples decided on so far."""
        self._now = 0.0
        self._forget()
        self._floor = 0
        self._first = FirstWord()

    def _forget(self) -> None:
        self.state = State.IDLE
        self._onset_at = 0
        self._since = 0
        self._onset = 0
        self._peak = 0.0
        self._spoken = 0
        self._spoken_until = 0
        self._judged_at: int | None = None
        self._probability = 1.0

    @property
    def in_turn(self) -> bool:
        """Whether a turn has begun and not ended."""
        return self.state in _TALKING

    @property
    def idle(self) -> bool:
        """Whether nothing that sounds like speech is going on."""
        return self.state is State.IDLE

    def configure(self, settings: VadSettings, *, semantic: bool = True) -> None:
        """Go by other settings from the next frame on.

        Args:
            semantic: whether there is a turn model to ask.
        """
        self.settings = settings
        self._semantic = semantic and settings.semantic

    def push(self, probability: float) -> Events:
        """Decide on the next frame of ``FRAME`` samples.

        Args:
            probability: of speech; not looked at in push-to-talk.
        """
        self.position += FRAME
        self._now = probability
        self._first.look(probability, self.position)
        yield from _TABLE[self.state, self._sound(probability)](self)
        if self.in_turn and self.position - self._since >= self.settings.longest:
            yield self._end("silence")

    def advance(self, samples: int) -> None:
        """Let time pass between turns."""
        self.position += samples

    def begin_anew(self) -> None:
        """The detector knows nothing of what was before, as at the stream's first sample."""
        self._first.forget(self.position)

    def verdict(self, probability: float | None) -> Events:
        """Take the turn model's answer; None: it was skipped, and silence decides."""
        if self.state is not State.PAUSE or probability is None:
            return
        self._probability = probability
        if probability >= self.settings.complete:
            yield self._end("semantic")

    def flush(self) -> Events:
        """End the turn now, if there is one."""
        if self.in_turn:
            yield self._end("flush")
        self._forget()

    def reset(self) -> None:
        """Drop the turn without an end."""
        self._floor = self.position
        self._forget()

    def _sound(self, probability: float) -> Sound:
        if not self.settings.enabled or probability >= self.settings.threshold:
            return Sound.VOICE
        if probability < self.settings.negative_threshold:
            return Sound.QUIET
        return Sound.DIM

    def _stay(self) -> Events:
        return iter(())

    def _begin(self) -> Events:
        self._onset_at = self.position - FRAME
        self._onset = 0
        self._peak = 0.0
        self.state = State.RESUME if self.in_turn else State.ONSET
        return self._confirm()

    def _confirm(self) -> Events:
        self._onset += FRAME
        self._peak = max(self._peak, self._now)
        if self.settings.enabled and not self._sure():
            yield from self._doubt()
            return
        began = max(self._onset_at, self.position - _DOUBT)
        fresh = self.state is State.ONSET
        if fresh:
            says = self._first.before(began, self._floor)
            self._since = max(says - self.settings.padding, self._floor)
        self.state = State.SPEECH
        self._spoken += min(self._onset, _DOUBT)
        self._spoken_until = self.position
        self._judged_at = None
        self._probability = 1.0
        yield Started(began, self._since, fresh)

    def _sure(self) -> bool:
        return self._onset >= self.settings.onset and self._peak >= self.settings.peak

    def _doubt(self) -> Events:
        lasts = self.position - self._onset_at >= _DOUBT
        if self.state is State.RESUME and lasts and self._over():
            yield self._end("silence")

    def _give_up(self) -> Events:
        self.state = State.IDLE
        return iter(())

    def _speak(self) -> Events:
        self.state = State.SPEECH
        self._spoken += FRAME
        self._spoken_until = self.position
        return iter(())

    def _hush(self) -> Events:
        """Silence began: where speech ended depends on how long it was dim before."""
        self._spoken_until = max(self._spoken_until, self.position - FRAME - _AFTERGLOW)
        self.state = State.LULL
        return self._lull()

    def _lull(self) -> Events:
        if self._silence() < self.settings.pause:
            return
        self.state = State.PAUSE
        yield Paused(self._spoken_until)
        yield from self._wait()

    def _wait(self) -> Events:
        self.state = State.PAUSE
        if self._over():
            yield self._end("silence")
        elif self._semantic and self._judgement_due():
            self._judged_at = self.position
            yield Judge(self.position)

    def _judgement_due(self) -> bool:
        judged, again = self._judged_at, self.settings.judge_again
        return judged is None or (again is not None and self.position - judged >= again)

    def _over(self) -> bool:
        short = self._spoken < self.settings.short_turn
        limit = self.settings.short_silence if short else self.settings.silence
        return self._silence() + FRAME > limit

    def _silence(self) -> int:
        return self.position - self._spoken_until

    def _end(self, reason: Reason) -> Ended:
        ended = Ended(self.position, self._spoken_until, self._probability, reason)
        self._floor = self.position
        self._forget()
        return ended


_TABLE: dict[tuple[State, Sound], Callable[[Segmenter], Events]] = {
    (State.IDLE, Sound.VOICE): Segmenter._begin,
    (State.IDLE, Sound.DIM): Segmenter._stay,
    (State.IDLE, Sound.QUIET): Segmenter._stay,
    (State.ONSET, Sound.VOICE): Segmenter._confirm,
    (State.ONSET, Sound.DIM): Segmenter._stay,
    (State.ONSET, Sound.QUIET): Segmenter._give_up,
    (State.SPEECH, Sound.VOICE): Segmenter._speak,
    (State.SPEECH, Sound.DIM): Segmenter._stay,
    (State.SPEECH, Sound.QUIET): Segmenter._hush,
    (State.LULL, Sound.VOICE): Segmenter._speak,
    (State.LULL, Sound.DIM): Segmenter._lull,
    (State.LULL, Sound.QUIET): Segmenter._lull,
    (State.PAUSE, Sound.VOICE): Segmenter._begin,
    (State.PAUSE, Sound.DIM): Segmenter._wait,
    (State.PAUSE, Sound.QUIET): Segmenter._wait,
    (State.RESUME, Sound.VOICE): Segmenter._confirm,
    (State.RESUME, Sound.DIM): Segmenter._doubt,
    (State.RESUME, Sound.QUIET): Segmenter._wait,
}
