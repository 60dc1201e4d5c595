"""``python -m services.orchestrator`` starts the conversation service."""

import sys

from services.orchestrator.app import build
from services.orchestrator.config import OrchestratorSettings
from shared.web.server import main

if __name__ == "__main__":
    sys.exit(main("orchestrator", OrchestratorSettings, build))
