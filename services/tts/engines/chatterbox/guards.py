"""When a row must stop, or may not stop yet, whatever the model would like.

The package has such checks for multilingual only (see :mod:`alignment`); random runs of
one token, loops, and speech far longer than its text happen with the other models too.
"""

from dataclasses import dataclass, field, replace

_PERIODS = range(1, 9)
"""Lengths of loop that are looked for, in tokens."""
_LOOP = 40
"""Tokens (1.6 s) that a loop may last; a pause is a run of one silent token."""
_LAPS = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the speech of a text may be, in tokens."""

    least: int = 0
    """Before this the end may not be drawn."""
    most: int = 1000
    """After this the row stops."""
    loops: bool = True
    """Whether to stop at a loop."""

    def up_to(self, most: int) -> "Limits":
        """The same, but no longer than ``most``."""
        return replace(self, most=most, least=min(self.least, most))


@dataclass(slots=True)
class LoopGuard:
    """Notices that the last tokens repeat themselves."""

    _tokens: list[int] = field(default_factory=list)
    _runs: dict[int, int] = field(default_factory=lambda: dict.fromkeys(_PERIODS, 0))

    def feed(self, token: int) -> bool:
        """Take a token; whether it goes on a loop that has lasted too long."""
        self._tokens.append(token)
        looped = False
        for period in _PERIODS:
            same = len(self._tokens) > period and self._tokens[-1 - period] == token
            self._runs[period] = self._runs[period] + 1 if same else 0
            looped = looped or self._runs[period] >= max(_LOOP, _LAPS * period)
        del self._tokens[: -max(_PERIODS) - 1]
        return looped
