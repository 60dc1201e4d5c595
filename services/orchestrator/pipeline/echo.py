"""Is it the user that the microphone hears, or the assistant's own voice coming back?

The microphone's last moments are compared with what was being played: the echo of a
loudspeaker is the played signal, later and quieter, through a short filter. How much of
the microphone's energy such a filter explains says whose voice it is. Nothing is
computed per frame; a judgement (under 1 ms) is made only when somebody seems to speak.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

RATE = 4_000
"""Hz at which signals are compared: most of a voice's energy lies below 2 kHz."""
_WINDOW_S = 0.4
_LONGEST_DELAY_S = 0.7
"""Network, the client's buffer and the way through the air."""
_KEEP_S = 2.0
_TAPS = 24
"""6 ms of filter around the best delay: a nearby wall, the loudspeaker's box."""
_SILENT_RMS = 10 ** (-50 / 20)

Signal = NDArray[np.float32]


class EchoGuard:
    """Remembers what was played and what the microphone heard, and compares them."""

    def __init__(self, *, microphone_rate: int = 16_000, played_rate: int = 24_000) -> None:
        self.microphone_rate = microphone_rate
        self._played_rate = played_rate
        self._microphone: deque[tuple[float, bytes]] = deque()
        self._played: deque[tuple[float, bytes]] = deque()

    def hear(self, pcm: bytes, now: float) -> None:
        """The microphone's newest frame (s16le), whose last sample is of ``now``."""
        frames = self._microphone
        frames.append((now, pcm))
        while frames[0][0] < now - _WINDOW_S:
            frames.popleft()

    def play(self, pcm: bytes, at: float) -> None:
        """Audio (s16le) whose first sample the client plays at ``at`` or soon after."""
        self._played.append((at, pcm))
        while self._played[0][0] < at - _KEEP_S:
            self._played.popleft()

    def silence(self, now: float) -> None:
        """From ``now`` on nothing is played: the client threw its buffer away."""
        self._played = deque(item for item in self._played if item[0] <= now)

    def loud(self, last_s: float = 0.06) -> bool:
        """Whether the microphone's last moments hold sound; True when it is unknown."""
        if not self._microphone:
            return True
        signal = self._heard()
        tail = signal[-int(last_s * RATE) :]
        return bool(_rms(tail) > max(_SILENT_RMS, 0.25 * _rms(signal)))

    def explained(self, now: float) -> float:
        """The share of the microphone's energy that is the played audio coming back."""
        heard = self._heard()
        if _rms(heard) < _SILENT_RMS or not self._played:
            return 0.0
        reach = int(_LONGEST_DELAY_S * RATE)
        played = self._playing(now, len(heard) + reach)
        if _rms(played) < _SILENT_RMS:
            return 0.0
        return _explained(heard, played, reach)

    def _heard(self) -> Signal:
        return _narrow(b"".join(pcm for _, pcm in self._microphone), self.microphone_rate)

    def _playing(self, now: float, length: int) -> Signal:
        """What the client played in the ``length`` samples before ``now``."""
        signal = np.zeros(length, np.float32)
        begin = now - length / RATE
        for at, pcm in self._played:
            if at >= now or at + len(pcm) / 2 / self._played_rate <= begin:
                continue
            piece = _narrow(pcm, self._played_rate)
            first = round((at - begin) * RATE)
            piece = piece[max(0, -first) :]
            first = max(0, first)
            room = max(0, length - first)
            signal[first : first + len(piece)] = piece[:room]
        return signal


def _narrow(pcm: bytes, rate: int) -> Signal:
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
    if rate % RATE == 0:
        step = rate // RATE
        return np.asarray(samples[: len(samples) // step * step].reshape(-1, step).mean(axis=1))
    at = np.arange(int(len(samples) * RATE / rate)) * (rate / RATE)
    return np.asarray(np.interp(at, np.arange(len(samples)), samples), np.float32)


def _rms(signal: Signal) -> float:
    return float(np.sqrt(np.mean(signal**2))) if len(signal) else 0.0


def _explained(heard: Signal, played: Signal, reach: int) -> float:
    """Energy explained by the best delay, refined by a short least-squares filter.

    Correlations come from one transform; the filter's normal equations take the played
    window as stationary, so that they too are correlations.
    """
    length = len(heard)
    size = 1 << (len(played) + length).bit_length()
    spectrum = np.fft.rfft(played, size) * np.conj(np.fft.rfft(heard, size))
    products = np.fft.irfft(spectrum, size)[: reach + 1]
    energy = np.concatenate(([0.0], np.cumsum(played.astype(np.float64) ** 2)))
    windows = energy[length : length + reach + 1] - energy[: reach + 1]
    best = int(np.argmax(products**2 / np.maximum(windows, 1e-6)))
    first = min(max(0, best - _TAPS // 2), reach + 1 - _TAPS)
    power = np.abs(np.fft.rfft(played[best : best + length], 2 * length)) ** 2
    lags = np.fft.irfft(power)[:_TAPS]
    apart = np.abs(np.subtract.outer(np.arange(_TAPS), np.arange(_TAPS)))
    gram = lags[apart] + np.eye(_TAPS) * (1e-3 * lags[0] + 1e-9)
    wanted = products[first : first + _TAPS]
    weights = np.linalg.solve(gram, wanted)
    return float(np.clip(weights @ wanted / float(heard @ heard), 0.0, 1.0))
