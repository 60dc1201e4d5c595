"""Whether a recording will do as a voice's reference: everything that is wrong with it, at once."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.tts.engines.base import SAMPLE_RATE, Samples
from shared.audio.decode import read
from shared.errors import InvalidRequest, TooLarge

SHORTEST_S, LONGEST_S = 5.0, 20.0
_DECODED_S = 60.0
"""A longer recording is not decoded to its end; it is too long anyhow."""
_QUIETEST_RMS = 10 ** (-45 / 20)
_CLIPPED_LEVEL, _CLIPPED_SHARE = 0.999, 0.005
_FRAME, _HOP = 960, 480  # 40 and 20 ms
_PITCH_LAGS = (SAMPLE_RATE // 400, SAMPLE_RATE // 70)
_VOICED = 0.5
_SPEECH_VOICED = (0.12, 0.97)
"""Share of the loud frames that have a pitch: noise has less, a tone or a hum has more."""
_SPEECH_RANGE_DB = 12.0
"""Between the loud and the soft tenth of the frames: speech has syllables and pauses."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A recording that will do."""

    samples: Samples
    seconds: float


def checked(data: bytes) -> Checked:
    """Decode and check a recording in any common format.

    Raises:
        InvalidRequest: not audio, or listing all that is wrong with it.
    """
    try:
        samples = read(io.BytesIO(data), max_seconds=_DECODED_S, sample_rate=SAMPLE_RATE)
    except TooLarge:
        raise _refused([_too_long(f"over {_DECODED_S:g}")]) from None
    except InvalidRequest as error:
        raise InvalidRequest(f"reference_audio: {error.message}", param="reference_audio") from None
    if found := problems(samples):
        raise _refused(found)
    return Checked(samples, len(samples) / SAMPLE_RATE)


def problems(samples: Samples) -> list[str]:
    """All that speaks against these samples; empty when nothing does."""
    found = []
    seconds = len(samples) / SAMPLE_RATE
    if seconds < SHORTEST_S:
        found.append(f"too short: {seconds:.1f} s, at least {SHORTEST_S:g} s are needed")
    if seconds > LONGEST_S:
        found.append(_too_long(f"{seconds:.1f}"))
    if not len(samples) or float(np.sqrt(np.mean(samples**2))) < _QUIETEST_RMS:
        return [*found, "silent: nothing is loud enough to be heard"]
    if float(np.mean(np.abs(samples) >= _CLIPPED_LEVEL)) > _CLIPPED_SHARE:
        found.append("clipped: the recording is overdriven; lower the microphone's level")
    if not _like_speech(samples):
        found.append("not speech: no voice can be made out in it")
    return found


def _too_long(seconds: str) -> str:
    return f"too long: {seconds} s, at most {LONGEST_S:g} s are taken"


def _refused(found: list[str]) -> InvalidRequest:
    return InvalidRequest(f"reference_audio is {'; '.join(found)}", param="reference_audio")


def _like_speech(samples: Samples) -> bool:
    if len(samples) < 2 * _FRAME:
        return False
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::_HOP]
    level_db = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-10)
    soft, loud = np.percentile(level_db, [10, 90])
    if loud - soft < _SPEECH_RANGE_DB:
        return False
    voiced = _voiced(frames[level_db > loud - 25])
    least, most = _SPEECH_VOICED
    return bool(least <= float(np.mean(voiced)) <= most)


def _voiced(frames: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether each frame repeats itself at a pitch between 70 and 400 Hz: bool [frames]."""
    centred = frames - frames.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 * _FRAME, axis=1)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, : _PITCH_LAGS[1] + 1]
    overlap = 1 - np.arange(correlation.shape[1]) / _FRAME
    normal = correlation / (correlation[:, :1] + 1e-10) / overlap
    return np.asarray(normal[:, _PITCH_LAGS[0] :].max(axis=1) > _VOICED)
