"""The reply's audio between the synthesiser and the client: paced, held, cut, measured.

Positions are seconds of the turn's audio; the client's playhead is what it reports in
``playback``, and between reports what the clock says it must be.
"""

from collections import deque
from dataclasses import dataclass, field

from services.orchestrator.pipeline.fade import fade_out

RATE = 24_000
"""Hz of the reply's audio, s16le mono."""
_BYTES_PER_S = 2 * RATE
_SLICE_S = 0.2
_TAIL_S = 0.02


@dataclass(slots=True)
class _Piece:
    pcm: memoryview
    filler: bool


@dataclass(slots=True)
class Playout:
    """One turn's audio on its way out.

    At most ``ahead_s`` seconds lie unplayed at the client: little where it cannot take
    audio back, more where it can and a shaky line deserves a reserve.
    """

    ahead_s: float
    queued_s: float = 0.0
    """End of all audio given so far."""
    sent_s: float = 0.0
    """End of all audio sent so far."""
    held: bool = False
    """Ducked: nothing more is sent."""
    whole: bool = False
    """No more audio will be given."""
    _pieces: deque[_Piece] = field(default_factory=deque)
    _played_s: float = 0.0
    _anchor: float | None = None
    """When the playhead was at ``_played_s``; None while it stands still."""

    def add(self, pcm: bytes, *, filler: bool = False) -> float:
        """Queue audio (s16le); gives the position at which it begins."""
        start = self.queued_s
        self._pieces.append(_Piece(memoryview(pcm), filler))
        self.queued_s += len(pcm) / _BYTES_PER_S
        return start

    def due(self, now: float) -> list[bytes]:
        """What may be sent now, in slices of at most 0.2 s."""
        slices: list[bytes] = []
        if self.held:
            return slices
        if self._pieces and self.played_s(now) >= self.sent_s:  # the client starts, or ran dry
            self._played_s, self._anchor = self.sent_s, now
        step = min(_SLICE_S, self.ahead_s / 2)
        while self._pieces and self._room(now, step):
            slices.append(self._take(int(step * RATE) * 2))
        return slices

    def _room(self, now: float, step: float) -> bool:
        waiting = min(step, self.queued_s - self.sent_s)
        return self.sent_s + waiting - self.played_s(now) <= self.ahead_s + 1e-6

    def _take(self, size: int) -> bytes:
        piece = self._pieces[0]
        taken, piece.pcm = bytes(piece.pcm[:size]), piece.pcm[size:]
        if not piece.pcm:
            self._pieces.popleft()
        self.sent_s += len(taken) / _BYTES_PER_S
        return taken

    def drop_filler(self) -> None:
        """The answer is here: what is left of the filler fades out within 20 ms."""
        tail = int(_TAIL_S * RATE) * 2
        for piece in self._pieces:
            if piece.filler:
                left = len(piece.pcm)
                piece.pcm = memoryview(fade_out(bytes(piece.pcm[:tail])))
                self.queued_s -= (left - len(piece.pcm)) / _BYTES_PER_S

    def clear(self) -> None:
        """Throw away what has not been sent."""
        self._pieces.clear()
        self.queued_s = self.sent_s
        self.whole = True

    def played_s(self, now: float) -> float:
        """How much the user has heard; never more than was sent."""
        if self._anchor is None:
            return self._played_s
        return min(self._played_s + now - self._anchor, self.sent_s)

    def report(self, played_s: float, now: float) -> None:
        """The client says how much it has played."""
        self._played_s = min(max(played_s, 0.0), self.sent_s)
        self._anchor = None if self.held else now

    def hold(self, now: float) -> None:
        """Stop sending and take the client's playhead as standing still."""
        self._played_s, self._anchor, self.held = self.played_s(now), None, True

    def release(self, now: float) -> None:
        """Go on where it was held."""
        self.held = False
        self._anchor = now

    @property
    def all_sent(self) -> bool:
        """Whether the last sample is out."""
        return self.whole and not self._pieces

    def all_played(self, now: float) -> bool:
        """Whether the last sample must have been heard."""
        return self.all_sent and self.played_s(now) >= self.sent_s - 1e-6

    def next_at(self, now: float) -> float | None:
        """When to look again: more may be sent, or all has been played."""
        if self._anchor is None:
            return None
        if self._pieces:
            step = min(_SLICE_S, self.ahead_s / 2, self.queued_s - self.sent_s)
            return now + max(0.0, self.sent_s + step - self.played_s(now) - self.ahead_s)
        if self.whole:
            return now + max(0.0, self.sent_s - self.played_s(now))
        return None
