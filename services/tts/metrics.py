"""What the TTS service counts."""

from shared.metrics import Metrics

_FIRST_CHUNK_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.472, 0.8, 1.2, 2.0, 5.0)


class TtsMetrics(Metrics):
    """The HTTP side's metrics and those of speech."""

    def __init__(self) -> None:
        super().__init__("tts")
        self.speech = self.counter("speech_requests", "Requests spoken, by how they ended.", "end")
        self.first_chunk = self.histogram(
            "first_chunk_seconds",
            "Time from a request's first speakable text to its first chunk sent.",
            buckets=_FIRST_CHUNK_BUCKETS_S,
        )
        self.audio_seconds = self.counter("audio_seconds", "Seconds of audio sent.")
        self.text_characters = self.counter("text_characters", "Characters of text received.")
