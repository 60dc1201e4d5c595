"""What a client sends to register a voice."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Registration:
    """A recording and what is said of it."""

    voice_id: str
    recording: bytes
    """An audio file."""
    consent: bool
    replace: bool = False
    name: str | None = None
    language: str | None = None
