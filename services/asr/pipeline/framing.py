"""From samples of any number, and silence that nobody sent, to frames for the detector."""

from dataclasses import dataclass

import numpy as np

from services.asr.engines.base import FRAME, Samples

_NOTHING = np.zeros(0, np.float32)
_SILENCE = np.zeros(FRAME, np.float32)


@dataclass(frozen=True, slots=True)
class Frame:
    """What the detector hears at once."""

    samples: Samples
    """float32 [FRAME]."""
    silent: bool
    """Whether withheld silence is in it: no detector need be asked."""


class Framing:
    """What came and is not listened to yet. Silence is put when no whole frame waits."""

    def __init__(self) -> None:
        self._rest = _NOTHING
        self._silence = 0

    @property
    def samples(self) -> int:
        """How many wait, withheld silence aside."""
        return len(self._rest)

    @property
    def silent(self) -> bool:
        """Whether silence waits."""
        return bool(self._silence)

    @property
    def ready(self) -> bool:
        """Whether ``take`` gets on."""
        return self.silent or self.samples >= FRAME

    def put(self, samples: Samples) -> None:
        """The next samples."""
        self._rest = np.concatenate([self._rest, samples]) if len(self._rest) else samples

    def put_silence(self, samples: int) -> None:
        """So many samples of silence."""
        self._silence += samples

    def take(self) -> Frame | None:
        """The next frame; None: with all of the silence there is not one yet."""
        if not self._silence:
            frame, self._rest = self._rest[:FRAME], self._rest[FRAME:]
            return Frame(frame, silent=False)
        filled = min(FRAME - len(self._rest), self._silence)
        self._silence -= filled
        self._rest = np.concatenate([self._rest, _SILENCE[:filled]])
        return Frame(self.take_rest(), silent=True) if len(self._rest) == FRAME else None

    def take_rest(self) -> Samples:
        """The samples that are there, float32 [n]: the frame will not be finished."""
        rest, self._rest = self._rest, _NOTHING
        return rest

    def drop(self) -> int:
        """Forget all of it; how many samples that was, silence included."""
        lost = len(self._rest) + self._silence
        self._rest, self._silence = _NOTHING, 0
        return lost
