"""One attempt at a reply: a generation."""

from dataclasses import dataclass, field

from services.orchestrator.pipeline.clauses import Clauses
from services.orchestrator.pipeline.heard import HeardText
from services.orchestrator.pipeline.playout import Playout
from services.orchestrator.pipeline.telemetry import Timeline


@dataclass(slots=True)
class Reply:
    """What is known of it so far."""

    generation: int
    said: str
    """The user's words that it answers."""
    playout: Playout
    turn_id: str = ""
    """Given when the turn is confirmed."""
    times: Timeline = field(default_factory=Timeline)
    confirmed: bool = False
    """The user's turn is over; until then nothing of it is shown, spoken or remembered."""
    text: str = ""
    shown: int = 0
    """Characters of the text that went to client and synthesiser."""
    whole: bool = False
    """The model has written all of it."""
    failed: bool = False
    torn: bool = False
    """The synthesiser failed: not all of the text was spoken."""
    audible: bool = False
    """Audio was sent, be it a filler."""
    answering: bool = False
    """Audio of the reply itself was queued."""
    ended: bool = False
    """``audio.end`` was told."""
    filler_at: float | None = None
    """When a filler is due; None: no more."""
    clauses: Clauses = field(default_factory=Clauses)
    marks: HeardText = field(default_factory=HeardText)

    def heard(self, now: float) -> str:
        """The part of the text that the user has heard."""
        return self.marks.upto(self.text, self.playout.played_s(now))

    def next_at(self, now: float) -> float | None:
        """When this reply needs attention."""
        times = [at for at in (self.playout.next_at(now), self.filler_at) if at is not None]
        return min(times, default=None)
