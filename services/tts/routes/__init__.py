"""ASGI endpoints of the TTS service."""
