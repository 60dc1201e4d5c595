"""`python -m services.tts` starts the service."""

import sys

from services.tts.app import build
from services.tts.config import TtsSettings
from shared.web.server import main

if __name__ == "__main__":
    sys.exit(main("tts", TtsSettings, build))
