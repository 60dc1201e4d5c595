"""What OpenAI's clients say of a recording beforehand: words to expect, likely languages."""

from collections.abc import Sequence


def bias(prompt: str | None, keywords: Sequence[str]) -> str | None:
    """One text that biases the vocabulary: the prompt, and behind it the keywords."""
    return " ".join(filter(None, (prompt, ", ".join(keywords)))) or None


def certain(language: str | None, languages: Sequence[str]) -> str | None:
    """The language that the client is sure of; of several the engine finds out."""
    return language or (languages[0] if len(languages) == 1 else None)
