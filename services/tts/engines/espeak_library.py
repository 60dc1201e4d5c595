"""The espeak-ng C library (1.52, GPL-3) through ctypes.

Its state is global and it is not thread-safe: one thread makes one `EspeakLibrary` and is the
only one to use it. See `speak_lib.h` of espeak-ng for the calls and structures used here.
"""

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from shared.errors import EngineFailed, EngineUnavailable

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT_ON_ERRORS = 1 << 15
_BUFFER_MS = 60
_CHARS_UTF8 = 1
_POSITION_CHARACTER = 1
_RATE = 1
_EVENT_END_OF_LIST = 0
_EVENT_WORD = 1
_CONTINUE, _ABORT = 0, 1


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.POINTER(ctypes.c_char)),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """One row of the library's list."""

    name: str
    identifier: str
    """What `EspeakLibrary.say` takes, e.g. `gmw/en-US`, or `!v/Annie` for a variant."""
    language: str
    """BCP 47-like, lower case: `en-us`, `de`; empty for a variant."""


@dataclass(frozen=True, slots=True)
class WordBegin:
    """A word begins."""

    sample: int
    """Index of its first sample in what was made so far of this text."""
    text_start: int
    """Offset of its first character."""
    length: int
    """In characters."""


@dataclass(frozen=True, slots=True)
class Said:
    """All that was made of one text."""

    samples: NDArray[np.float32]
    """float32 [n] in [-1, 1] at `EspeakLibrary.sample_rate`."""
    words: tuple[WordBegin, ...]


class EspeakLibrary:
    """The loaded library.

    Raises:
        EngineUnavailable: the shared library or its data cannot be loaded.
    """

    def __init__(self) -> None:
        self._library = _load()
        self.sample_rate: int = self._library.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS,
            _BUFFER_MS,
            espeakng_loader.get_data_path().encode(),
            _DONT_EXIT_ON_ERRORS,
        )
        if self.sample_rate <= 0:
            raise EngineUnavailable(
                f"espeak-ng did not start (code {self.sample_rate}); reinstall espeakng-loader"
            )
        self._callback = _Callback(self._made)  # kept: the library holds only its address
        self._library.espeak_SetSynthCallback(self._callback)
        self._pieces: list[NDArray[np.int16]] = []
        self._words: list[WordBegin] = []
        self._wanted: Callable[[], bool] = lambda: True
        self._settings: tuple[str, int] | None = None

    def close(self) -> None:
        """Free the library's tables; the object is of no use after it."""
        self._library.espeak_Terminate()

    def voices(self) -> tuple[EspeakVoice, ...]:
        """The languages, then the variants (a variant changes the timbre of a language)."""
        languages = tuple(self._list(None))
        variants = _Voice(name=b"variant")
        found = (voice for voice in self._list(ctypes.byref(variants)))
        return languages + tuple(v for v in found if v.identifier.startswith("!v/"))

    def _list(self, wanted: object) -> Iterator[EspeakVoice]:
        rows = self._library.espeak_ListVoices(wanted)
        index = 0
        while rows[index]:
            row = rows[index].contents
            # `languages` is a list of (priority byte, name, NUL); the first is the best.
            language = ctypes.string_at(ctypes.addressof(row.languages.contents) + 1)
            yield EspeakVoice(row.name.decode(), row.identifier.decode(), language.decode().lower())
            index += 1

    def say(self, text: str, voice: str, words_per_minute: int, wanted: Callable[[], bool]) -> Said:
        """Speak `text` at once, faster than real time by three orders of magnitude.

        Args:
            text: without NUL characters.
            voice: a name the library knows: a language (`en-us`), or `language+variant`.
            words_per_minute: 80 to 450; 175 is usual.
            wanted: asked every 60 ms of audio; the synthesis stops when it says no.

        Raises:
            EngineFailed: the library refused the voice or the text.
        """
        self._select(voice, words_per_minute)
        self._pieces, self._words, self._wanted = [], [], wanted
        data = text.encode()
        status = self._library.espeak_Synth(
            data, len(data) + 1, 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None
        )
        if status != 0:
            raise EngineFailed(f"espeak-ng refused the text (code {status})")
        pieces, self._pieces = self._pieces, []
        whole = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
        return Said(whole.astype(np.float32) / 32768.0, tuple(self._words))

    def _select(self, voice: str, words_per_minute: int) -> None:
        if self._settings == (voice, words_per_minute):
            return
        self._settings = None
        status = self._library.espeak_SetVoiceByName(voice.encode())
        if status != 0:
            raise EngineFailed(f"espeak-ng has no voice {voice!r} (code {status})")
        self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
        self._settings = (voice, words_per_minute)

    def _made(self, samples: object, count: int, events: object) -> int:
        """The library's callback, on its own thread: `count` int16 samples and some events."""
        self._words.extend(_words(events))
        if samples and count > 0:
            piece = np.ctypeslib.as_array(samples, shape=(count,))
            self._pieces.append(piece.copy())  # the buffer is the library's
        return _CONTINUE if self._wanted() else _ABORT


def _words(events: object) -> Iterator[WordBegin]:
    index = 0
    while (event := events[index]).type != _EVENT_END_OF_LIST:  # type: ignore[index]
        if event.type == _EVENT_WORD:
            yield WordBegin(event.sample, event.text_position - 1, event.length)
        index += 1


def _load() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
    except (OSError, RuntimeError) as error:
        raise EngineUnavailable(
            f"espeak-ng cannot be loaded ({error}); reinstall espeakng-loader"
        ) from error
    library.espeak_Initialize.argtypes = (
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_int,
    )
    library.espeak_SetSynthCallback.argtypes = (_Callback,)
    library.espeak_SetVoiceByName.argtypes = (ctypes.c_char_p,)
    library.espeak_SetParameter.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int)
    library.espeak_ListVoices.argtypes = (ctypes.c_void_p,)
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    library.espeak_Synth.argtypes = (
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    )
    return library
