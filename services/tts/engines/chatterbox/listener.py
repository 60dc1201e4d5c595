"""How long a listener can go on without hearing more, and who yields a step to whom.

A listener hears a second a second from the first chunk on. Whoever waits for a first
sound, or has next to nothing left, is *pressed*; who has seconds in store sits out the
steps until nobody is. Nobody starves: what is in store runs down meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.tts.engines.base import SpeechRequest
from services.tts.engines.priority import AHEAD, FIRST, LATER

PRESSED_S = 1.0
"""Seconds in store below which a listener may soon hear nothing."""
AMPLE_S = 3.0
"""Seconds in store above which a stream yields to the pressed."""
_STORE_S = 4.0
"""Least that a listener has in store whose request says so."""


@dataclass(slots=True)
class Listener:
    """One request's.

    Attributes:
        until: clock time at which all that was made for them is heard; None: nothing was
            made of a reply's first sound.
    """

    until: float | None = None

    @classmethod
    def of(cls, request: SpeechRequest, now: float) -> "Listener":
        """As they are when the request comes: of a later clause they may have sound in store.

        Who gets all at once waits for the last sound, not for the first.
        """
        if request.first and not request.whole:
            return cls()
        return cls(now + (_STORE_S if request.ahead else 0.0))

    def seconds(self, now: float) -> float:
        """What they have in store."""
        return 0.0 if self.until is None else max(0.0, self.until - now)

    def hear(self, seconds: float, now: float) -> None:
        """More was made for them; after a gap they go on when it comes."""
        self.until = now + self.seconds(now) + seconds

    def priority(self, now: float) -> int:
        """Where their request stands in the queue."""
        if self.until is None:
            return FIRST
        return AHEAD if self.seconds(now) > AMPLE_S else LATER


def taking_part(listeners: Sequence[Listener], now: float) -> list[bool]:
    """Whose requests the next step is for."""
    stores = [listener.seconds(now) for listener in listeners]
    calm = all(store >= PRESSED_S for store in stores)
    return [calm or store <= AMPLE_S for store in stores]
