"""Changing the rate of a live stream, with milliseconds of delay.

A polyphase windowed-sinc filter of our own rather than soxr's stream: soxr works in
blocks, so that a live 8 kHz stream waits up to 115 ms (64 ms on average) for its 16 kHz
samples, and that is time in every turn of a phone call. This one needs ``ZEROS`` samples
of the slower rate to come: 4 ms at 8 kHz. The tests hold it against soxr's best quality.
"""

from functools import lru_cache
from math import ceil, gcd

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from shared.audio.pcm import Samples
from shared.errors import InvalidRequest

ZEROS = 32
"""Zero crossings of the sinc on each side, in samples of the slower rate."""
ROLL_OFF = 0.94
"""Where the filter cuts, as a share of the lower Nyquist frequency."""
KAISER_BETA = 8.0
"""Window shape: about 80 dB of stop band."""
LOWEST_RATE, HIGHEST_RATE = 8_000, 48_000
"""Hz, of what may be fed and made."""
PHASES = 4096
"""Most rows of a filter bank. Rates of a wilder ratio (8001 Hz …) use the nearest row
below, which still leaves errors under -65 dB and bounds the memory that a client's
choice of rates can cost."""
_BLOCK = 2048
"""Outputs per gather, so that a long input does not cost memory in proportion."""


class Resampler:
    """Converts a mono stream from one rate to another.

    Frames may have any length: the output is the same however the input is cut. Output
    sample ``n`` lies at input time ``n * in_rate / out_rate``: no shift, no drift.

    Args:
        in_rate: Hz of what is fed.
        out_rate: Hz of what comes out.

    Raises:
        InvalidRequest: a rate outside of ``LOWEST_RATE`` … ``HIGHEST_RATE``.
    """

    def __init__(self, in_rate: int, out_rate: int) -> None:
        for rate in (in_rate, out_rate):
            if not LOWEST_RATE <= rate <= HIGHEST_RATE:
                raise InvalidRequest(
                    f"sample rate {rate} is not within {LOWEST_RATE} and {HIGHEST_RATE} Hz",
                    param="sample_rate",
                )
        self.in_rate = in_rate
        self.out_rate = out_rate
        common = gcd(in_rate, out_rate)
        self._up, self._down = out_rate // common, in_rate // common
        self._bank = None if in_rate == out_rate else _filters(self._up, self._down)
        self.reset()

    def reset(self) -> None:
        """Forget the stream; the next sample fed is the first of a new one."""
        self._fed = 0
        self._made = 0
        half = 0 if self._bank is None else self._bank.shape[1] // 2
        self._half = half
        self._buffer = np.zeros(half, np.float32)
        self._origin = -half
        """Input position of ``_buffer[0]``."""

    @property
    def delay_s(self) -> float:
        """Seconds of input that must follow a sample before it comes out."""
        return self._half / self.in_rate

    def feed(self, samples: Samples) -> Samples:
        """Convert the next samples; float32 [m], possibly empty."""
        self._fed += len(samples)
        if self._bank is None:
            return samples.astype(np.float32)
        self._buffer = np.concatenate([self._buffer, samples], dtype=np.float32)
        last = self._fed - 1 - self._half
        if last < 0:
            return np.zeros(0, np.float32)
        return self._make(_ceil_div((last + 1) * self._up, self._down))

    def flush(self) -> Samples:
        """What is still held back; in all ``ceil(n * out_rate / in_rate)`` samples came out.

        The stream starts anew afterwards.
        """
        total = _ceil_div(self._fed * self._up, self._down)
        if self._bank is None:
            tail = np.zeros(0, np.float32)
        else:
            self._buffer = np.concatenate(
                [self._buffer, np.zeros(self._half, np.float32)], dtype=np.float32
            )
            tail = self._make(total)
        self.reset()
        return tail

    def _make(self, until: int) -> Samples:
        """Outputs ``_made`` … ``until - 1``, and forget the inputs that are done with."""
        if until <= self._made:
            return np.zeros(0, np.float32)
        assert self._bank is not None  # noqa: S101 - feed and flush return before
        windows = sliding_window_view(self._buffer, self._bank.shape[1])
        out = np.empty(until - self._made, np.float32)
        for start in range(self._made, until, _BLOCK):
            index = np.arange(start, min(start + _BLOCK, until), dtype=np.int64) * self._down
            first = index // self._up - self._half + 1 - self._origin
            phase = index % self._up * len(self._bank) // self._up
            at = start - self._made
            np.einsum("nt,nt->n", windows[first], self._bank[phase], out=out[at : at + len(index)])
        self._made = until
        keep = (until * self._down) // self._up - self._half + 1 - self._origin
        keep = min(keep, len(self._buffer))
        self._buffer = self._buffer[keep:].copy()
        self._origin += keep
        return out


def _ceil_div(number: int, by: int) -> int:
    return -(-number // by)


@lru_cache(maxsize=8)
def _filters(up: int, down: int) -> Samples:
    """float32 [phases, 2 * half]: one row of taps per phase, each of unit gain.

    Row ``p`` weighs the inputs at ``-half + 1 … half`` around the output that lies
    ``p / phases`` input samples after input 0.
    """
    phases = min(up, PHASES)
    stretch = max(1.0, down / up)
    half = ceil(ZEROS * stretch)
    offset = np.arange(-half + 1, half + 1)[None, :] - (np.arange(phases) / phases)[:, None]
    cut = ROLL_OFF / stretch
    window = np.i0(KAISER_BETA * np.sqrt(np.clip(1 - (offset / half) ** 2, 0, 1)))
    taps = np.sinc(offset * cut) * window
    taps /= taps.sum(axis=1, keepdims=True)
    bank = taps.astype(np.float32)
    bank.flags.writeable = False
    return bank


def resample(samples: Samples, in_rate: int, out_rate: int) -> Samples:
    """Convert a whole recording: float32 [ceil(n * out_rate / in_rate)]."""
    resampler = Resampler(in_rate, out_rate)
    return np.concatenate([resampler.feed(samples), resampler.flush()])
