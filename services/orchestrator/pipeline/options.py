"""How one conversation behaves: the session's settings as the pure parts need them."""

from dataclasses import dataclass

_APOLOGIES = {
    "en": "I am sorry, something went wrong. Please say that again.",
    "de": "Es tut mir leid, etwas ist schiefgegangen. Bitte sagen Sie das noch einmal.",
    "fr": "Je suis désolé, quelque chose n'a pas marché. Pouvez-vous répéter ?",
    "es": "Lo siento, algo ha ido mal. Por favor, dígalo otra vez.",
    "it": "Mi dispiace, qualcosa è andato storto. Può ripetere, per favore?",
    "pt": "Desculpe, algo correu mal. Por favor, repita.",
    "nl": "Het spijt me, er ging iets mis. Kunt u dat herhalen?",
}


def apology(language: str | None) -> str:
    """What is said aloud when a turn fails."""
    return _APOLOGIES.get((language or "en").split("-")[0].lower(), _APOLOGIES["en"])


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of a dialogue."""

    language: str | None = None
    """ISO 639-1 code, or None: the recogniser finds out."""
    sensitivity: float = 0.5
    """Of barge-in, 0.1 (sluggish) to 1.0 (touchy)."""
    speculate: bool = True
    """Start the model at a pause, before the turn is confirmed."""
    filler_after_s: float | None = 0.7
    """Silence after which a filler is spoken; None: never."""
    ahead_s: float = 1.5
    """Audio that may lie unplayed at the client."""
    echo_guard: bool = True
    microphone_rate: int = 16_000
    apology: str = _APOLOGIES["en"]
