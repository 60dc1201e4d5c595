"""What the TTS service itself costs, with an engine that costs nothing."""
