"""Where a request stands in a queue: engines with a scheduler of their own share this."""

from services.tts.engines.base import SpeechRequest

FIRST, LATER, AHEAD = 0, 1, 2
"""The first sound of a reply, a listener who needs more, one who has enough."""


def priority(request: SpeechRequest) -> int:
    """Where a request stands when it comes."""
    if request.first:
        return FIRST
    return AHEAD if request.ahead else LATER
