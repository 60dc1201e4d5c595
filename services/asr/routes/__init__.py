"""ASGI endpoints of the ASR service."""
