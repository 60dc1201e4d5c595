"""Which language is spoken, for a batch of windows at once."""

from dataclasses import dataclass

import ctranslate2


@dataclass(frozen=True, slots=True)
class Detected:
    """The likeliest language of a window."""

    language: str
    probability: float


def detect(model: ctranslate2.models.Whisper, encoded: ctranslate2.StorageView) -> list[Detected]:
    """The likeliest language of each row.

    Args:
        model: a multilingual one.
        encoded: the encoder's output, one row a window.
    """
    return [_first(found) for found in model.detect_language(encoded)]


def _first(found: list[tuple[str, float]]) -> Detected:
    token, probability = found[0]
    return Detected(token.removeprefix("<|").removesuffix("|>"), probability)
