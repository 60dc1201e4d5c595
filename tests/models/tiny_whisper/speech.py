"""Speech for training and evaluation: espeak-ng called in-process, with the time of every word."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Sequence
from dataclasses import dataclass

import espeakng_loader
import numpy as np
import numpy.typing as npt
import soxr

SAMPLE_RATE = 16_000

Samples = npt.NDArray[np.float32]

ACCENTS = ("en-us", "en-us", "en", "en-gb-x-rp", "en-us-nyc")
VARIANTS = ("", "", "+m1", "+m2", "+m3", "+m4", "+m5", "+m7", "+f1", "+f2", "+f3", "+f5")
UNSEEN_VARIANTS = ("+m6", "+f4")
"""Never used in training: the evaluation's voices."""

_SYNCHRONOUS = 2
_NO_EXIT = 0x8000
_UTF8_AND_PHONEMES = 0x1 | 0x100
_POSITION_CHARACTER = 1
_RATE, _PITCH, _RANGE, _GAP = 1, 3, 4, 7
_EVENT_LIST_END, _EVENT_WORD = 0, 1

_SPOKEN = {"uh-huh": "[['Vh'V]]", "mm-hmm": "[['m@h'm@m]]", "hmm": "[[h'@m]]"}
"""Words that espeak-ng would spell out, in its phonemes."""


class _EventValue(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("text", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("value", _EventValue),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True)
class Voice:
    """espeak-ng's settings; the defaults are its own."""

    name: str = "en-us"
    """With its variant, as in `en-us+f3`."""
    words_per_minute: int = 175
    pitch: int = 50
    pitch_range: int = 50
    gap: int = 0
    """Pause between words, in units of 10 ms."""


DEFAULT_VOICE = Voice()


@dataclass(frozen=True)
class Spoken:
    """Words with the audio of them, silence at both ends removed."""

    words: tuple[str, ...]
    samples: Samples
    starts: tuple[float | None, ...]
    """Seconds at which each word begins; None where espeak-ng ran it into the word before."""

    @property
    def duration(self) -> float:
        return len(self.samples) / SAMPLE_RATE


def any_voice(rng: random.Random, variants: Sequence[str] = VARIANTS) -> Voice:
    """A voice by chance; one in four at espeak-ng's own speed and pitch."""
    name = rng.choice(ACCENTS) + rng.choice(variants)
    if rng.random() < 0.25:
        return Voice(name)
    return Voice(
        name=name,
        words_per_minute=rng.randint(130, 230),
        pitch=rng.randint(25, 75),
        pitch_range=rng.randint(30, 70),
        gap=rng.choice((0, 0, 1, 3, 6)),
    )


class Synthesiser:
    """espeak-ng in this process. One at a time: the library has global state."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        path = str(espeakng_loader.get_data_path()).encode()
        self._rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, path, _NO_EXIT)
        if self._rate <= 0:
            raise RuntimeError("espeak-ng could not be initialised")
        self._callback = _Callback(self._receive)
        self._blocks: list[npt.NDArray[np.int16]] = []
        self._marks: dict[int, int] = {}

    def _receive(
        self, samples: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]
    ) -> int:
        if samples and count:
            self._blocks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type != _EVENT_LIST_END:
            event = events[index]
            if event.type == _EVENT_WORD:
                self._marks.setdefault(event.text_position - 1, event.sample)
            index += 1
        return 0

    def say(self, words: Sequence[str], voice: Voice = DEFAULT_VOICE) -> Spoken:
        """The words as 16 kHz audio, peak-normalised."""
        self._set(voice)
        self._library.espeak_SetSynthCallback(self._callback)  # another user may have set its own
        self._blocks, self._marks = [], {}
        spoken = [_SPOKEN.get(word, word) for word in words]
        text = " ".join(spoken)
        data = text.encode()
        self._library.espeak_Synth(
            data, len(data) + 1, 0, _POSITION_CHARACTER, 0, _UTF8_AND_PHONEMES, None, None
        )
        starts, position = [], 0
        for word in spoken:
            mark = self._marks.get(position)
            starts.append(None if mark is None else mark / self._rate)
            position += len(word) + 1
        audio = np.concatenate(self._blocks).astype(np.float32) / 32768.0
        return _trimmed(words, soxr.resample(audio, self._rate, SAMPLE_RATE, "MQ"), starts)

    def _set(self, voice: Voice) -> None:
        if self._library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice.name!r}")
        values = {
            _RATE: voice.words_per_minute,
            _PITCH: voice.pitch,
            _RANGE: voice.pitch_range,
            _GAP: voice.gap,
        }
        for parameter, value in values.items():
            self._library.espeak_SetParameter(parameter, value, 0)


def _trimmed(words: Sequence[str], audio: Samples, starts: Sequence[float | None]) -> Spoken:
    loud = np.flatnonzero(np.abs(audio) > 0.01 * np.abs(audio).max())
    first, last = int(loud[0]), int(loud[-1]) + 1
    offset = first / SAMPLE_RATE
    shifted = [None if start is None else max(0.0, start - offset) for start in starts]
    clip = audio[first:last]
    return Spoken(tuple(words), clip / np.abs(clip).max(), (0.0, *shifted[1:]))


def said(sentences: Sequence[str]) -> list[Spoken]:
    """Each sentence in the usual voice."""
    synthesiser = Synthesiser()
    return [synthesiser.say(sentence.split()) for sentence in sentences]
