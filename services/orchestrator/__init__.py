"""Conversation service (:8000): ASR, LLM and TTS wired into a dialogue."""
