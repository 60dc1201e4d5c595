"""``python -m services.asr``."""

import sys

from services.asr.app import build
from services.asr.config import AsrSettings
from shared.web.server import main

if __name__ == "__main__":
    sys.exit(main("asr", AsrSettings, build))
