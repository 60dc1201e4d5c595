"""Metrics of the ASR service."""

from shared.metrics import Metrics


class AsrMetrics(Metrics):
    """What is counted of listening, beside what every service counts."""

    def __init__(self) -> None:
        super().__init__("asr")
        self.turns = self.counter("turns", "Turns ended, by reason.", "reason")
        self.audio_seconds = self.counter("audio_seconds", "Seconds of audio heard.")
        self.final_seconds = self.histogram(
            "final_seconds", "Time from the end of a turn to its final."
        )
        self.engine_seconds = self.histogram(
            "engine_seconds", "Time from asking the engine to its text.", "kind"
        )
        self.turn_model_seconds = self.histogram(
            "turn_model_seconds", "Time of one judgement of the turn model."
        )
        self.turn_model_skipped = self.counter(
            "turn_model_skipped", "Judgements that were not made, by reason.", "reason"
        )
        self.suppressed = self.counter(
            "suppressed", "Text left out because nobody said it, by reason.", "reason"
        )
        self.engine_failures = self.counter(
            "engine_failures", "Texts that the engine failed to make, by the error's code.", "code"
        )
