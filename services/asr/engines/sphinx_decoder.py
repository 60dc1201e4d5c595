"""PocketSphinx's decoder with the types of this house, and the pool that lends decoders."""

import logging
import math
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from services.asr.engines.base import SAMPLE_RATE, Samples, Word
from services.asr.engines.sphinx_library import Setting, SphinxDecoder
from shared.audio.pcm import Encoding, encode
from shared.errors import EngineUnavailable
from shared.recent import Recent

log = logging.getLogger(__name__)

_FRAME_S = 0.01
_CEPSTRAL_MEAN = "45.84,-2.16,0.27,6.29,2.24,-2.42,-2.30,-2.03,-4.02,-2.26,-5.00,-1.73,1.83"
"""The median over the recordings at hand: what a connection's first turn begins with, so
that no speaker inherits the channel of a stranger."""
_MOST_CHANNELS = 256
_ATTUNE_S = 4
"""Seconds of a recording that tell its channel."""
_OPENING = _CLOSING = np.zeros(SAMPLE_RATE // 10, np.float32)
_SETTINGS: dict[str, Setting] = {
    "fwdflat": False,
    "maxhmmpf": 3000,
    "maxwpf": 10,
    "pl_window": 5,
    "loglevel": "FATAL",
}


class Channels:
    """The cepstral mean of each connection, from turn to turn.

    Knowing the speaker's channel from the turns before makes a fifth fewer words wrong.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._means = Recent[str, str](_MOST_CHANNELS)

    def mean(self, owner: str) -> str:
        """Of the connection's last turn, or the one to begin with."""
        with self._lock:
            return self._means.get(owner) or _CEPSTRAL_MEAN

    def learn(self, owner: str, mean: str) -> None:
        """Keep what the connection's turn ended with."""
        with self._lock:
            self._means.put(owner, mean)


class Decoder:
    """One decoder: 91 MB, follows one utterance at a time. Not safe for two threads.

    The second pass over the words (``fwdflat``) is off and the beams are narrower than the
    package's defaults: on 20 LibriSpeech utterances 0.115 s of CPU per second instead of
    0.217, with 30.5 % of the words wrong instead of 31.4 %.
    """

    def __init__(self) -> None:
        self._decoder = SphinxDecoder(_SETTINGS)

    def begin(self, mean: str | None) -> None:
        """Begin an utterance.

        Args:
            mean: the channel's cepstral mean; None: go on with what is known.
        """
        if mean is not None:
            self._decoder.set_cmn(mean)
        self._decoder.start_utt()

    def channel(self, samples: Samples, mean: str) -> str:
        """The cepstral mean of a recording's beginning; costs as much as hearing that much.

        Knowing it beforehand makes a seventh fewer words of short recordings wrong.
        """
        self.begin(mean)
        pcm = encode(samples[: _ATTUNE_S * SAMPLE_RATE], Encoding.S16LE)
        self._decoder.process_raw(pcm, no_search=True)
        self._decoder.end_utt()
        return self.mean()

    def mean(self) -> str:
        """The channel's cepstral mean, the last utterance included."""
        return self._decoder.get_cmn()

    def hear(self, samples: Samples) -> None:
        """Search on."""
        self._decoder.process_raw(encode(samples, Encoding.S16LE))

    def end(self) -> None:
        """End the utterance and settle on its best path.

        The path must end in silence: where the audio breaks off in a word the decoder may
        find none at all, and so no words.
        """
        self.hear(_CLOSING)
        self._decoder.end_utt()

    def words(self, offset_s: float, *, ended: bool) -> tuple[Word, ...]:
        """The words of the current path.

        Posteriors exist only on the lattice of an ended utterance: until then each word's
        confidence is that of a coin.

        Args:
            offset_s: where the utterance began, in seconds of the turn; words begin at 0 or later.
            ended: whether ``end`` was called.
        """
        return tuple(
            Word(
                word=piece.word.split("(", 1)[0],
                start=round(max(0.0, offset_s + piece.first * _FRAME_S), 3),
                end=round(max(0.0, offset_s + (piece.last + 1) * _FRAME_S), 3),
                confidence=round(piece.posterior, 3) if ended else 0.5,
            )
            for piece in self._decoder.path()
            if piece.word[0] not in "<["
        )


class DecoderPool:
    """Lends decoders, at most ``size``; one more than are lent is kept ready.

    Loading one takes a third of a second of a core. It is done on a thread of its own, so that
    neither the turns that are being heard nor, as a rule, the one that begins wait for it.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._idle: list[Decoder] = []
        self._loading = 0
        self._made = 0
        self._waiting: deque[Callable[[Decoder], None]] = deque()
        self._loader = ThreadPoolExecutor(1, "sphinx-loader")

    def start(self) -> None:
        """Load the first one; blocks.

        Raises:
            EngineUnavailable: the library or its model cannot be loaded.
        """
        decoder = Decoder()
        with self._lock:
            self._made += 1
        self.give_back(decoder)

    def close(self) -> None:
        """Load no more."""
        with self._lock:
            self._size = 0
        self._loader.shutdown(wait=False, cancel_futures=True)

    def lend(self, borrower: Callable[[Decoder], None]) -> None:
        """Hand a decoder to the borrower: at once, or when one is loaded or comes back."""
        with self._lock:
            decoder = self._idle.pop() if self._idle else None
            if decoder is None:
                self._waiting.append(borrower)
            self._replenish()
        if decoder is not None:
            borrower(decoder)

    def give_back(self, decoder: Decoder) -> None:
        """Take a decoder that is between utterances."""
        with self._lock:
            if not self._waiting:
                self._idle.append(decoder)
                return
            borrower = self._waiting.popleft()
        borrower(decoder)

    @property
    def idle(self) -> int:
        """Decoders that nobody holds."""
        return len(self._idle)

    def _replenish(self) -> None:
        """Have as many loaded as are waited for, and a spare one; under the lock."""
        wanted = len(self._waiting) + 1 - len(self._idle) - self._loading
        for _ in range(min(wanted, self._size - self._made)):
            self._made += 1
            self._loading += 1
            self._loader.submit(self._load)

    def _load(self) -> None:
        try:
            decoder = Decoder()
        except (EngineUnavailable, MemoryError):
            log.exception("a decoder cannot be loaded; turns wait for the others")
            with self._lock:
                self._made -= 1
                self._loading -= 1
            return
        with self._lock:
            self._loading -= 1
        self.give_back(decoder)


class Ear:
    """One turn as its decoder hears it: utterances one after the other, words joined."""

    def __init__(self, decoder: Decoder, mean: str) -> None:
        """Take a decoder; ``mean`` is the channel's cepstral mean."""
        self.decoder = decoder
        self._mean = mean
        self.heard = 0
        """Samples so far."""
        self._began = 0
        self._open = False
        self._said: tuple[Word, ...] = ()

    def attune(self, samples: Samples) -> None:
        """Learn the channel of a recording before it is heard."""
        self._mean = self.decoder.channel(samples, self._mean)

    def hear(self, samples: Samples) -> None:
        """Go on with the utterance, or begin the next one after an ``end``."""
        if not self._open:
            self._begin()
        self.decoder.hear(samples)
        self.heard += len(samples)

    def _begin(self) -> None:
        """The first path must begin in silence: a word that nothing comes before is mistaken."""
        self._began = self.heard
        self._open = True
        if self.heard:
            self.decoder.begin(None)
            return
        self.decoder.begin(self._mean)
        self.decoder.hear(_OPENING)
        self._began -= len(_OPENING)

    def words(self) -> tuple[Word, ...]:
        """All words so far."""
        if not self._open:
            return self._said
        return self._said + self.decoder.words(self._began / SAMPLE_RATE, ended=False)

    def end(self) -> tuple[Word, ...]:
        """End the utterance, if one is open; all words of the turn."""
        if self._open:
            self.decoder.end()
            self._open = False
            words = self.decoder.words(self._began / SAMPLE_RATE, ended=True)
            limit = self.heard / SAMPLE_RATE
            self._said += tuple(
                replace(word, end=min(word.end, limit)) for word in words if word.start < limit
            )
        return self._said


def mean_confidence(words: tuple[Word, ...]) -> float:
    """The mean over the words, 0 without any."""
    return round(math.fsum(word.confidence for word in words) / len(words), 3) if words else 0.0
