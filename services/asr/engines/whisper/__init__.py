"""faster-whisper on CTranslate2: the windows of many connections in shared batches."""
