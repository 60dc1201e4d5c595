"""What a live ASR stream must say again after its line was lost. No I/O."""

from collections import deque
from dataclasses import dataclass

from shared.protocol import asr

MOST_S = 120.0
"""Seconds kept at most; turns are shorter."""

Control = asr.Config | asr.Flush | asr.Silence | asr.End


@dataclass(frozen=True, slots=True)
class _Kept:
    frame: bytes | Control
    start_s: float
    end_s: float


class Replay:
    """Keeps the frames that no ``final`` covers yet, and where they lie in the stream.

    Args:
        bytes_per_second: of the audio sent.
        most_s: what is kept at most; older audio is lost if the line goes.
    """

    def __init__(self, bytes_per_second: int, most_s: float = MOST_S) -> None:
        self._rate = bytes_per_second
        self._most_s = most_s
        self._kept: deque[_Kept] = deque()
        self._sent = 0
        """How many of the kept ones the present line has had."""
        self._end_s = 0.0
        self._start_s = 0.0

    @property
    def start_s(self) -> float:
        """Stream time of the first frame kept: where a new line's time begins."""
        return self._kept[0].start_s if self._kept else self._end_s

    @property
    def end_s(self) -> float:
        """Stream time of all that was put in."""
        return self._end_s

    def put(self, frame: bytes | Control) -> None:
        """Take the next frame of the stream."""
        begin = self._end_s
        if isinstance(frame, bytes):
            self._end_s += len(frame) / self._rate
        elif isinstance(frame, asr.Silence):
            self._end_s += frame.ms / 1000
        self._kept.append(_Kept(frame, begin, self._end_s))
        while self._end_s - self._kept[0].start_s > self._most_s and len(self._kept) > 1:
            self._forget()

    def take(self) -> bytes | Control | None:
        """The next frame that the present line has not had; None: it has had all."""
        if self._sent == len(self._kept):
            return None
        self._sent += 1
        return self._kept[self._sent - 1].frame

    def settle(self, until_s: float) -> None:
        """A ``final`` covers the stream up to here: what was sent of it is not needed again."""
        while self._sent and self._kept[0].end_s <= until_s and not self._is_end(self._kept[0]):
            self._forget()

    def reset(self) -> None:
        """Forget what was sent; the server has dropped it."""
        while self._sent:
            self._forget()

    def rewind(self) -> None:
        """A new line has had nothing."""
        self._sent = 0

    def _forget(self) -> None:
        self._kept.popleft()
        self._sent = max(0, self._sent - 1)

    @staticmethod
    def _is_end(kept: _Kept) -> bool:
        return isinstance(kept.frame, asr.End)


def shifted(message: asr.AsrServerMessage, seconds: float, segments: int) -> asr.AsrServerMessage:
    """A message of a mended line in the time and the segments of the whole stream."""
    changes: dict[str, object] = {}
    segment = getattr(message, "segment", None)
    if segment is not None:
        changes["segment"] = segment + segments
    match message:
        case asr.Final():
            words = [
                word.model_copy(update={"start": word.start + seconds, "end": word.end + seconds})
                for word in message.words
            ]
            changes |= {
                "start": message.start + seconds,
                "end": message.end + seconds,
                "words": tuple(words),
            }
        case asr.SpeechStart() | asr.SpeechEnd() | asr.TurnEnd() | asr.Partial() | asr.Candidate():
            changes["timestamp"] = message.timestamp + seconds
        case _:
            pass
    return message.model_copy(update=changes) if changes else message
