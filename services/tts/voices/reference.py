"""Whether a recording will do as a voice's reference: everything that is wrong with it, at once."""

import io
from dataclasses import dataclass

import numpy as np

from services.tts.engines.base import SAMPLE_RATE, Samples
from services.tts.voices.likeness import measured
from shared.audio.decode import read
from shared.errors import InvalidRequest, TooLarge

SHORTEST_S, LONGEST_S = 5.0, 20.0
_DECODED_S = 60.0
"""A longer recording is not decoded to its end; it is too long anyhow."""
_QUIETEST_RMS = 10 ** (-45 / 20)
_CLIPPED_LEVEL, _CLIPPED_SHARE = 0.999, 0.005
_MEASURABLE_S = 1.0


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
    return found + _unlike_speech(samples)


def _unlike_speech(samples: Samples) -> list[str]:
    if len(samples) < _MEASURABLE_S * SAMPLE_RATE:
        return ["not speech: there is too little of it to make out a voice"]
    likeness = measured(samples[: round(LONGEST_S * SAMPLE_RATE)])
    if likeness.music:
        return ["not speech: it sounds like music or a steady tone"]
    return [] if likeness.speech else ["not speech: no voice can be made out in it"]


def _too_long(seconds: str) -> str:
    return f"too long: {seconds} s, at most {LONGEST_S:g} s are taken"


def _refused(found: list[str]) -> InvalidRequest:
    return InvalidRequest(f"reference_audio is {'; '.join(found)}", param="reference_audio")
