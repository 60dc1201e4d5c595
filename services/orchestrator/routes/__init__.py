"""ASGI endpoints of the conversation service."""
