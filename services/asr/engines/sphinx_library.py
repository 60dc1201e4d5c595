"""PocketSphinx's C library through ctypes, so that Python runs on while it searches.

The package's own Python classes hold the interpreter's lock during every call: a tenth of a
second of speech then stops the event loop and all other decoders for 12 ms, and loading a
decoder for half a second. ctypes lets go of the lock. A decoder may be used by one thread at
a time; several decoders by several threads. See `pocketsphinx.h` for the calls used here.
"""

import ctypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from weakref import finalize

import pocketsphinx
from pocketsphinx import _pocketsphinx

from shared.errors import EngineUnavailable

Setting = str | int | bool

_HANDLE, _TEXT, _INT = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
_INT_AT = ctypes.POINTER(ctypes.c_int)
_CALLS = {
    "ps_config_init": (_HANDLE, (_HANDLE,)),
    "ps_config_free": (_INT, (_HANDLE,)),
    "ps_config_set_str": (_HANDLE, (_HANDLE, _TEXT, _TEXT)),
    "ps_config_set_int": (_HANDLE, (_HANDLE, _TEXT, ctypes.c_long)),
    "ps_config_set_bool": (_HANDLE, (_HANDLE, _TEXT, _INT)),
    "ps_init": (_HANDLE, (_HANDLE,)),
    "ps_free": (_INT, (_HANDLE,)),
    "ps_set_cmn": (_INT, (_HANDLE, _TEXT)),
    "ps_get_cmn": (_TEXT, (_HANDLE, _INT)),
    "ps_start_utt": (_INT, (_HANDLE,)),
    "ps_process_raw": (_INT, (_HANDLE, _TEXT, ctypes.c_size_t, _INT, _INT)),
    "ps_end_utt": (_INT, (_HANDLE,)),
    "ps_get_logmath": (_HANDLE, (_HANDLE,)),
    "logmath_exp": (ctypes.c_double, (_HANDLE, _INT)),
    "ps_seg_iter": (_HANDLE, (_HANDLE,)),
    "ps_seg_next": (_HANDLE, (_HANDLE,)),
    "ps_seg_word": (_TEXT, (_HANDLE,)),
    "ps_seg_frames": (None, (_HANDLE, _INT_AT, _INT_AT)),
    "ps_seg_prob": (_INT, (_HANDLE, _INT_AT, _INT_AT, _INT_AT)),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A word of a path, or a silence."""

    word: str
    """As in the dictionary: `the(2)`, `<sil>`, `[NOISE]`."""
    first: int
    last: int
    """Frames of 10 ms, the last one included."""
    posterior: float
    """In [0, 1]; of use only once the utterance has ended."""


class SphinxDecoder:
    """One decoder with the US English model of the wheel.

    Args:
        settings: by their names in PocketSphinx's documentation.

    Raises:
        EngineUnavailable: the library or its model cannot be loaded.
    """

    def __init__(self, settings: Mapping[str, Setting]) -> None:
        self._library = _load()
        config = self._configured({**_model(), **settings})
        try:
            self._handle = self._library.ps_init(config)
        finally:
            self._library.ps_config_free(config)  # the decoder holds on to it
        if not self._handle:
            raise EngineUnavailable("PocketSphinx cannot load its model; reinstall pocketsphinx")
        self._log_math = self._library.ps_get_logmath(self._handle)
        finalize(self, self._library.ps_free, self._handle).atexit = False

    def set_cmn(self, mean: str) -> None:
        """Begin with this cepstral mean: numbers with commas between."""
        self._checked("set_cmn", self._library.ps_set_cmn(self._handle, mean.encode()))

    def get_cmn(self) -> str:
        """The cepstral mean, with what was heard last."""
        return str((self._library.ps_get_cmn(self._handle, 1) or b"").decode())

    def start_utt(self) -> None:
        """Begin an utterance."""
        self._checked("start_utt", self._library.ps_start_utt(self._handle))

    def process_raw(self, pcm: bytes, *, no_search: bool = False) -> None:
        """Search on in s16le mono at 16 kHz; or only take it in."""
        count = len(pcm) // 2
        done = self._library.ps_process_raw(self._handle, pcm, count, no_search, 0)
        self._checked("process_raw", done)

    def end_utt(self) -> None:
        """End the utterance."""
        self._checked("end_utt", self._library.ps_end_utt(self._handle))

    def path(self) -> Iterator[Piece]:
        """The best path so far; to be taken whole."""
        first, last, unused = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
        at = self._library.ps_seg_iter(self._handle)
        while at:
            self._library.ps_seg_frames(at, first, last)
            score = self._library.ps_seg_prob(at, unused, unused, unused)
            word = self._library.ps_seg_word(at).decode()
            posterior = min(1.0, self._library.logmath_exp(self._log_math, score))
            yield Piece(word, first.value, last.value, posterior)
            at = self._library.ps_seg_next(at)

    def _configured(self, settings: Mapping[str, Setting]) -> int:
        config: int = self._library.ps_config_init(None)
        for name, value in settings.items():
            kind = {bool: "bool", int: "int"}.get(type(value), "str")
            given = value.encode() if isinstance(value, str) else value
            if not getattr(self._library, f"ps_config_set_{kind}")(config, name.encode(), given):
                self._library.ps_config_free(config)
                raise EngineUnavailable(f"PocketSphinx knows no setting `{name}`")
        return config

    def _checked(self, name: str, code: int) -> None:
        if code < 0:
            raise RuntimeError(f"{name} failed")


def _model() -> dict[str, Setting]:
    folder = Path(pocketsphinx.get_model_path()) / "en-us"
    return {
        "hmm": str(folder / "en-us"),
        "lm": str(folder / "en-us.lm.bin"),
        "dict": str(folder / "cmudict-en-us.dict"),
    }


@lru_cache(maxsize=1)
def _load() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(_pocketsphinx.__file__)
        for name, (result, arguments) in _CALLS.items():
            call = getattr(library, name)
            call.restype, call.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise EngineUnavailable(f"this pocketsphinx has no usable C library: {error}") from error
    return library
