"""What the conversation service counts."""

from shared.metrics import Metrics
from shared.protocol.conversation import TurnMetrics

_COUNTERS = {
    "ducks": "Sounds over a reply that lowered it.",
    "resumes": "Of those, the ones that were nothing.",
    "interruptions": "Of those, the ones that cut the reply.",
    "speculations_started": "Replies begun before the user's turn was certain.",
    "speculations_used": "Of those, the ones that proved right.",
    "speculations_dropped": "Of those, the ones thrown away.",
    "speculation_saved_seconds": "Head start that right speculations gave, summed.",
    "turns_failed": "Turns in which the model or the synthesiser failed.",
}


class OrchestratorMetrics(Metrics):
    """Counters, histograms and gauges of conversations."""

    def __init__(self, service: str = "orchestrator") -> None:
        super().__init__(service)
        self._counters = {name: self.counter(name, text) for name, text in _COUNTERS.items()}
        self.sessions = self.gauge(
            "sessions",
            "Sessions that are kept, connected or not; with Redis those of all replicas.",
        )
        self.turns = self.counter("turns", "Turns answered.", "interrupted")
        self.stt = self.histogram("stt_seconds", "End of speech to text.")
        self.first_token = self.histogram("llm_first_token_seconds", "Text to first token.")
        self.first_chunk = self.histogram("tts_first_chunk_seconds", "Clause to first audio.")
        self.end_to_end = self.histogram("turn_seconds", "End of speech to first audio sent.")
        self.fillers = self.counter("fillers", "Fillers spoken.")
        self.cache = self.counter("cache", "First turns by the semantic cache's answer.", "outcome")
        self.cost = self.counter("cost_usd", "Cost of turns by the price table.", "part")

    def count(self, what: str, value: float) -> None:
        """Add to the counter that a dialogue names."""
        self._counters[what].inc(value)

    def turn(self, turn: TurnMetrics) -> None:
        """A turn is over."""
        self.turns.labels(str(turn.interrupted).lower()).inc()
        self.fillers.inc(turn.fillers)
        if turn.cache is not None:
            self.cache.labels(turn.cache).inc()
        stages = (
            (self.stt, turn.stt_ms),
            (self.first_token, turn.llm_ttft_ms),
            (self.first_chunk, turn.tts_first_chunk_ms),
            (self.end_to_end, turn.e2e_ms),
        )
        for histogram, value in stages:
            if value is not None:
                histogram.observe(max(0.0, value / 1000))
        if turn.cost is not None:
            for part in ("stt", "llm", "tts"):
                self.cost.labels(part).inc(getattr(turn.cost, part))
