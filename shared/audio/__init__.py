"""Sound: PCM in and out, rates, files and codecs. Inside: float32 mono in [-1, 1]."""
