"""What engines of speech and of hearing have in common."""

from enum import Enum


class Kind(Enum):
    """How an engine does its work; ``/health`` says it."""

    BATCHED = "batched"
    """Requests of many connections share each step of one model, through the scheduler."""
    STREAMING = "streaming"
    """A state for each stream, computed here."""
    REMOTE = "remote"
    """An upstream does the work."""
