"""Cutting a recording at its pauses into windows that an engine can hear at once.

Sans-I/O: samples in, windows out; nothing but the window being gathered is kept, so a
recording of any length costs the same memory. Silence is left out altogether.
"""

from dataclasses import dataclass

import numpy as np

from services.asr.engines.base import FRAME, SAMPLE_RATE, Samples, SpeechDetector

LONGEST_S = 30.0
"""No window is longer."""
FULL_S = 20.0
"""A window of this length ends at its next pause; a shorter one goes on over pauses."""
PAUSE_S = 0.25
"""Silence that counts as a pause."""
REST_S = 2.0
"""Silence that ends a window of any length: nobody wants it transcribed."""
PADDING_S = 0.25
"""Sound kept before the first and after the last speech of a window."""
START, STOP = 0.5, 0.35
"""Speech probabilities that begin and end speech."""
DIGITAL_SILENCE = 1e-4
"""Frames that never exceed it are not shown to the detector."""
SILENCE_BEFORE = 16
"""Most frames of silence shown to it before the first sound after some: half a second. It does
not believe a word that nothing came before."""
_SEARCH_S = 10.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A window of a recording."""

    start: float
    """Seconds from the recording's first sample."""
    samples: Samples
    """float32 [n] at 16 kHz, at most `LONGEST_S`."""

    @property
    def end(self) -> float:
        """Seconds from the recording's first sample."""
        return self.start + len(self.samples) / SAMPLE_RATE


class Cutter:
    """One recording being cut."""

    def __init__(self, detector: SpeechDetector) -> None:
        self._detector = detector
        self._rest = np.zeros(0, np.float32)
        self._frames: list[Samples] = []
        """What the next window may need, whole frames."""
        self._probabilities: list[float] = []
        """Of the frames above."""
        self._first = 0
        """Index of the first frame above in the recording."""
        self._speaking = False
        self._spoken = 0
        """Frames kept up to the last one with speech; 0: none yet."""
        self._quiet = SILENCE_BEFORE
        """Frames of digital silence before this one; a recording begins after some."""

    def feed(self, samples: Samples) -> list[Piece]:
        """Take the next samples; the windows that they complete."""
        if self._skip(samples):
            return []
        data = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        whole = len(data) // FRAME * FRAME
        self._rest = data[whole:]
        found = [self._take(frame) for frame in data[:whole].reshape(-1, FRAME)]
        return [piece for piece in found if piece is not None]

    def flush(self) -> list[Piece]:
        """The last window, when the recording ends."""
        pieces: list[Piece] = []
        if len(self._rest):
            last = np.zeros(FRAME, np.float32)
            last[: len(self._rest)] = self._rest
            self._rest = self._rest[:0]
            pieces += [piece for piece in [self._take(last)] if piece is not None]
        if self._spoken:
            pieces.append(self._close(self._spoken))
        return pieces

    def _skip(self, samples: Samples) -> bool:
        """Pass over digital silence that can change nothing, hours of it in no time."""
        frames = (len(self._rest) + len(samples)) // FRAME
        keep = _frames(PADDING_S)
        if self._spoken or not self._quiet or frames < keep or samples.any() or self._rest.any():
            return False
        rest = len(self._rest) + len(samples) - frames * FRAME
        self._quiet += frames
        self._first += len(self._frames) + frames - keep
        self._frames = [np.zeros(FRAME, np.float32)] * keep
        self._probabilities = [0.0] * keep
        self._rest = np.zeros(rest, np.float32)
        return True

    def _take(self, frame: Samples) -> Piece | None:
        probability = self._probability(frame)
        self._frames.append(frame)
        self._probabilities.append(probability)
        self._speaking = probability >= (STOP if self._speaking else START)
        if self._speaking:
            self._spoken = len(self._frames)
        if not self._spoken:
            self._forget(len(self._frames) - _frames(PADDING_S))
            return None
        return self._ended()

    def _probability(self, frame: Samples) -> float:
        if float(np.abs(frame).max()) < DIGITAL_SILENCE:
            self._quiet += 1
            return 0.0
        if self._quiet:
            self._detector.reset()
            for _ in range(min(self._quiet, SILENCE_BEFORE)):
                self._detector.probability(np.zeros(FRAME, np.float32))
            self._quiet = 0
        return self._detector.probability(frame)

    def _ended(self) -> Piece | None:
        """The window, when the latest frame ends it."""
        pause = len(self._frames) - self._spoken
        if pause >= _frames(REST_S) or (
            pause >= _frames(PAUSE_S) and len(self._frames) >= _frames(FULL_S)
        ):
            return self._close(self._spoken)
        if (len(self._frames) + 1) * FRAME > LONGEST_S * SAMPLE_RATE:
            return self._close(self._least_spoken(), padding=False)
        return None

    def _least_spoken(self) -> int:
        """Where to cut when nobody pauses: the frame least like speech, the last if equal."""
        recent = self._probabilities[-_frames(_SEARCH_S) :]
        at = len(recent) - 1 - int(np.argmin(recent[::-1]))
        return len(self._frames) - len(recent) + at + 1

    def _close(self, frames: int, *, padding: bool = True) -> Piece:
        """Cut the window after so many frames; what follows begins the next."""
        until = min(frames + (_frames(PADDING_S) if padding else 0), len(self._frames))
        piece = Piece(self._first * FRAME / SAMPLE_RATE, np.concatenate(self._frames[:until]))
        spoken = self._spoken - until
        self._forget(until)
        self._spoken = max(spoken, 0)
        return piece

    def _forget(self, frames: int) -> None:
        if frames > 0:
            del self._frames[:frames]
            del self._probabilities[:frames]
            self._first += frames


def _frames(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE / FRAME)
