"""Barge-in in two steps: duck at once, then find out whether it was an interruption.

Nobody knows in 50 ms whether a sound is an interruption. So the first sound over a reply
only ducks it; a sound that lasts, or a word that no mere listener says, cuts it; anything
else lets it go on. The assistant's own echo does not even duck it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum

from services.orchestrator.pipeline.backchannel import only_backchannel
from services.orchestrator.pipeline.words import words

LONGEST_LIMIT_S = 0.8
"""The limit at sensitivity 0.1; listening noises may last this long at any sensitivity."""
SHORTEST_LIMIT_S = 0.15
ECHO_SHARE = 0.4
"""Of the microphone's energy; a voice over the echo brings it far below."""
_RECHECK_S = 0.1
_WORDS_WAIT_S = 0.35
"""How long after a pause the recogniser may take to say what it was."""
_ALIKE = 0.75
_FRAME_S = 0.02
_GAP_S = 0.1
"""The longest silence inside a word, before a "p" or a "t"."""


def limit_s(sensitivity: float) -> float:
    """How long speech lasts before it is an interruption; 0.1 → 0.8 s, 1.0 → 0.15 s."""
    share = (min(max(sensitivity, 0.1), 1.0) - 0.1) / 0.9
    return LONGEST_LIMIT_S + share * (SHORTEST_LIMIT_S - LONGEST_LIMIT_S)


class Verdict(Enum):
    """What to do with the reply."""

    GO_ON = "go on"
    DUCK = "duck"
    RESUME = "resume"
    CLEAR = "clear"


class Phase(Enum):
    """What is known of the sound over the reply."""

    QUIET = "quiet"
    ECHO = "echo"
    """The levels say that it is the reply itself."""
    DUCKED = "ducked"
    """Somebody speaks; nobody knows yet what for."""
    PAUSED = "paused"
    """The sound has stopped; its words are awaited."""


@dataclass(frozen=True, slots=True)
class Levels:
    """What the microphone's signal says at this moment."""

    explained: float = 0.0
    """Share of its energy that is the reply's echo."""
    loud: bool = True
    """Whether there is still sound."""
    heard_s: float | None = None
    """Seconds of the microphone's stream that came so far; None: nobody counts."""


class BargeIn:
    """Judges one stretch of speech over a reply at a time; knows no clock but its arguments."""

    def __init__(self, sensitivity: float, language: str | None) -> None:
        self.phase = Phase.QUIET
        self.deadline: float | None = None
        """When :meth:`tick` must be called."""
        self.own: Sequence[str] = ()
        """Words of the reply that the user may be hearing (and the microphone with them)."""
        self._began = 0.0
        self._began_s: float | None = None
        self._gap = False
        self.configure(sensitivity, language)
        self._said: tuple[str, ...] = ()
        self._unechoed = 0

    def configure(self, sensitivity: float, language: str | None) -> None:
        """How touchy to be, and whose listening noises to know."""
        self._limit_s = limit_s(sensitivity)
        self.language = language

    def reset(self) -> None:
        """The reply is over or cut: judge nothing."""
        self.phase, self.deadline, self._said = Phase.QUIET, None, ()

    def started(self, levels: Levels, now: float) -> Verdict:
        """The recogniser hears speech."""
        if levels.explained >= ECHO_SHARE:
            self.phase, self.deadline, self._unechoed = Phase.ECHO, now + _RECHECK_S, 0
            return Verdict.GO_ON
        return self._duck(levels.heard_s, now)

    def _duck(self, heard_s: float | None, now: float) -> Verdict:
        was_paused = self.phase in (Phase.DUCKED, Phase.PAUSED)
        self.phase, self.deadline, self._began = Phase.DUCKED, now + self._limit_s, now
        self._began_s, self._gap = heard_s, False
        return Verdict.GO_ON if was_paused else Verdict.DUCK

    def heard(self, text: str) -> Verdict:
        """A hypothesis of what is being said."""
        self._said = words(text)
        fresh = self.fresh(text)
        real = not only_backchannel(fresh, self.language)
        if self.phase is Phase.ECHO:
            # The recogniser mishears an echo too: believe words only when they prevail.
            real = real and len(fresh) >= 3 and len(fresh) * 2 > len(self._said)
        return Verdict.CLEAR if real else Verdict.GO_ON

    def paused(self, now: float) -> Verdict:
        """The recogniser hears a pause."""
        if self.phase is Phase.DUCKED:
            self.phase, self.deadline = Phase.PAUSED, now + _WORDS_WAIT_S
        return Verdict.GO_ON

    def settled(self, text: str) -> Verdict:
        """The whole text of what was said is known."""
        if self.heard(text) is Verdict.CLEAR:
            return Verdict.CLEAR
        return self._resume()

    def dismissed(self) -> Verdict:
        """What was said is no turn."""
        return self._resume()

    def _resume(self) -> Verdict:
        ducked = self.phase in (Phase.DUCKED, Phase.PAUSED)
        self.phase, self.deadline = Phase.QUIET, None
        return Verdict.RESUME if ducked else Verdict.GO_ON

    def tick(self, levels: Levels, now: float) -> Verdict:
        """:attr:`deadline` has come."""
        if self.phase is Phase.PAUSED:
            return self._resume()
        if self.phase is Phase.ECHO:
            return self._still_echo(levels, now)
        if self.phase is Phase.DUCKED:
            return self._lasted(levels, now)
        self.deadline = None
        return Verdict.GO_ON

    def _still_echo(self, levels: Levels, now: float) -> Verdict:
        over = levels.loud and levels.explained < ECHO_SHARE
        self._unechoed = self._unechoed + 1 if over else 0
        if self._unechoed >= 2:
            return self._duck(levels.heard_s, now)
        self.deadline = now + _RECHECK_S
        return Verdict.GO_ON

    def _lasted(self, levels: Levels, now: float) -> Verdict:
        if not levels.loud:
            return self._gap_or_end(now)
        if (missing := self._missing(levels, now)) > 0:
            self.deadline = now + missing
            return Verdict.GO_ON
        harmless = bool(self._said) and only_backchannel(self._fresh(self._said), self.language)
        if harmless and now < self._began + LONGEST_LIMIT_S:
            self.deadline = self._began + LONGEST_LIMIT_S
            return Verdict.GO_ON
        return Verdict.CLEAR

    def _gap_or_end(self, now: float) -> Verdict:
        """The sound may be over before the recogniser says so, or pause between syllables."""
        if self._gap:
            self.phase, self.deadline = Phase.PAUSED, now + _WORDS_WAIT_S - _GAP_S
        else:
            self._gap, self.deadline = True, now + _GAP_S
        return Verdict.GO_ON

    def _missing(self, levels: Levels, now: float) -> float:
        """Seconds of sound that have not come yet, of a stream that lags behind the clock."""
        if levels.heard_s is None or self._began_s is None or now > self._began + 3 * self._limit_s:
            return 0.0
        missing = self._limit_s - (levels.heard_s - self._began_s)
        return missing if missing > _FRAME_S else 0.0

    def fresh(self, text: str) -> tuple[str, ...]:
        """The words of ``text`` that the reply does not hold."""
        return self._fresh(words(text))

    def _fresh(self, said: Sequence[str]) -> tuple[str, ...]:
        own = set(self.own)
        return tuple(word for word in said if word not in own and not _like_any(word, own))


def _like_any(word: str, own: set[str]) -> bool:
    return len(word) > 3 and any(SequenceMatcher(None, word, it).ratio() >= _ALIKE for it in own)
