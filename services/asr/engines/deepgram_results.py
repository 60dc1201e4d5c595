"""What Deepgram's messages say, gathered into one transcript. Sans-I/O."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from services.asr.engines.answers import BROKEN, moment
from services.asr.engines.base import Transcript, Word
from services.asr.languages import code_of
from shared.errors import UpstreamFailed


class Results:
    """The text of one live stream so far: settled pieces, and the latest guess behind them."""

    MAX_BYTES: ClassVar[int] = 1 << 20

    def __init__(self) -> None:
        self._final: list[Word] = []
        self._interim: list[Word] = []
        self._language: str | None = None
        self.finalized = 0
        """Answers to `Finalize` so far."""
        self.settled_s = 0.0
        """Seconds of the stream of which the words are settled."""
        self.heard = False
        """Whether anything was said of the audio at all."""

    def take(self, text: str | bytes) -> None:
        """One message of the server's.

        Raises:
            UpstreamFailed: it tells of an error, or is none of Deepgram's.
        """
        message = _object(text)
        kind = message.get("type")
        if kind == "Error":
            raise UpstreamFailed(f"deepgram: {message.get('description', 'error')}")
        if kind != "Results":
            return  # Metadata, SpeechStarted, UtteranceEnd and what comes later
        with _readable():
            words = _words(message.get("channel"))
            self._language = _language(message.get("channel")) or self._language
            until = moment(message.get("start") or 0) + moment(message.get("duration") or 0)
        self.heard = True
        if message.get("is_final"):
            self._final += words
            self._interim = []
            self.settled_s = max(self.settled_s, until)
        else:
            self._interim = words
        if message.get("from_finalize"):
            self.finalized += 1

    def transcript(self, after: float = 0.0) -> Transcript:
        """All words that end after so many seconds."""
        words = [word for word in (*self._final, *self._interim) if word.end > after]
        return _transcript(words, self._language)


def whole_file(body: bytes) -> Transcript:
    """The text in the answer to a whole file.

    Raises:
        UpstreamFailed: it is no answer of Deepgram's.
    """
    found = _object(body)
    with _readable():
        channels = found.get("results", {}).get("channels", [])
        channel = channels[0] if channels else {}
        return _transcript(_words(channel), _language(channel))


def _transcript(words: Sequence[Word], language: str | None) -> Transcript:
    text = " ".join(word.word for word in words)
    confidence = float(np.mean([word.confidence for word in words])) if words else 0.0
    return Transcript(text, tuple(words), language, confidence)


@contextmanager
def _readable() -> Iterator[None]:
    """Raises: UpstreamFailed when what is read inside is not as Deepgram's protocol says."""
    try:
        yield
    except BROKEN as error:
        raise UpstreamFailed(f"deepgram sent results that cannot be read: {error!r}") from error


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UpstreamFailed("deepgram sent something that is not JSON") from error
    if not isinstance(found, dict):
        raise UpstreamFailed("deepgram sent something that is no message")
    return found


def _language(channel: Any) -> str | None:
    first = _first(channel)
    named = (channel or {}).get("detected_language") or next(iter(first.get("languages", [])), None)
    return code_of(named)


def _words(channel: Any) -> list[Word]:
    return [
        Word(
            str(each.get("punctuated_word") or each["word"]),
            moment(each["start"]),
            moment(each["end"]),
            moment(each.get("confidence", 0.0)),
        )
        for each in _first(channel).get("words", [])
    ]


def _first(channel: Any) -> dict[str, Any]:
    alternatives = channel.get("alternatives") if isinstance(channel, dict) else None
    first = alternatives[0] if isinstance(alternatives, list) and alternatives else {}
    return first if isinstance(first, dict) else {}
