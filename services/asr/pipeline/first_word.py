"""The first word that a detector without a past hears, and does not believe.

Silero hovers at its threshold while it knows nothing of what was before: of 40 digits that begin a
stream on a line without noise, 8 begin no turn. Believing them would make noise a turn. But a turn
that begins soon after shows that somebody speaks: then its audio has the doubted word.
"""

from services.asr.engines.base import FRAME, SAMPLE_RATE

FAINT = 0.2
"""Probability that such a word gets at the least; a quiet room gets less."""
SOON = SAMPLE_RATE
"""How soon: a word of half a second, a pause of 400 ms, which ends no turn, and the next word's
first frames."""


class FirstWord:
    """Where it may lie; positions are samples of the stream."""

    def __init__(self) -> None:
        self.forget(0)

    def forget(self, position: int) -> None:
        """The detector begins anew here."""
        self._anew = position
        self._at: int | None = None

    def look(self, probability: float, position: int) -> None:
        """The detector's opinion of the frame that ends at ``position``."""
        if self._at is None and probability >= FAINT:
            self._at = position - FRAME

    def before(self, began: int, floor: int) -> int:
        """Where what is said begins in a turn that was noticed at ``began``.

        Args:
            floor: end of the turn before; a word in there is that one's.
        """
        if self._at is None or self._at < floor or began - self._anew > SOON:
            return began
        return min(began, self._at)
