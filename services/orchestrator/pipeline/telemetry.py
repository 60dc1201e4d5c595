"""A turn's timeline, its latencies and what it cost."""

from dataclasses import dataclass
from typing import Literal

from services.orchestrator.config import Prices
from shared.protocol.conversation import Cost, TurnMetrics


@dataclass(slots=True)
class Timeline:
    """Moments of one turn in seconds of the monotonic clock, and what it consumed."""

    speech_ended: float | None = None
    """The user's last sound; None for a typed turn."""
    began: float = 0.0
    """When the words were known."""
    thinking: float | None = None
    first_token: float | None = None
    first_say: float | None = None
    first_chunk: float | None = None
    first_audio: float | None = None
    """Of the reply itself."""
    last_chunk: float | None = None
    audio_s: float = 0.0
    """Length of the reply's audio."""
    fillers: int = 0
    speculation: Literal["hit", "miss"] | None = None
    saved_s: float = 0.0
    """Head start that the speculation gave the model."""
    speech_s: float = 0.0
    """Length of the user's turn."""
    input_tokens: int = 0
    output_tokens: int = 0
    characters: int = 0
    """Given to the synthesiser."""
    tier: str = ""
    cache: Literal["hit", "miss"] | None = None
    interrupted: bool = False

    def cost(self, prices: Prices) -> Cost:
        """What the turn cost."""
        stt = self.speech_s / 60 * prices.stt_per_minute
        llm = (
            self.input_tokens * prices.llm_input_per_million
            + self.output_tokens * prices.llm_output_per_million
        ) / 1e6
        tts = self.characters * prices.tts_per_million_chars / 1e6
        return Cost(stt=stt, llm=llm, tts=tts, total=stt + llm + tts)

    def report(self, turn_id: str, prices: Prices) -> TurnMetrics:
        """The ``metrics`` event of the turn."""
        start = self.speech_ended if self.speech_ended is not None else self.began
        return TurnMetrics(
            turn_id=turn_id,
            stt_ms=_ms(self.speech_ended, self.began),
            llm_ttft_ms=_ms(self.thinking, self.first_token),
            tts_first_chunk_ms=_ms(self.first_say, self.first_chunk),
            e2e_ms=_ms(start, self.first_audio),
            audio_ms=round(self.audio_s * 1000, 1),
            synthesis_ms=_ms(self.first_say, self.last_chunk),
            tier=self.tier or None,
            cache=self.cache,
            fillers=self.fillers,
            tokens_in=self.input_tokens,
            tokens_out=self.output_tokens,
            characters=self.characters,
            speculation=self.speculation,
            saved_ms=round(self.saved_s * 1000, 2) if self.saved_s else None,
            interrupted=self.interrupted,
            cost=self.cost(prices),
        )


def _ms(begin: float | None, end: float | None) -> float | None:
    return None if begin is None or end is None else round((end - begin) * 1000, 2)
