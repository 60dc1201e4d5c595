"""What listeners say while they listen: sounds that take no turn."""

from collections.abc import Sequence

_SOUNDS = "mm mmm mhm mm-hm mm-hmm mhmm hmm hm uh-huh uhuh uh um er erm ah aha oh ooh huh eh"
_WORDS = {
    "en": "okay ok k yeah yep yes yup right sure alright good great nice cool wow really"
    " exactly indeed absolutely fine gotcha",
    "de": "ja jo genau okay ok gut klar stimmt richtig aha ach so achso verstehe",
    "fr": "oui ouais d'accord ok okay bien ah bon voilà exactement",
    "es": "sí si ya vale claro ok okay bueno ajá",
    "it": "sì si già certo ok okay bene",
    "pt": "sim pois ok okay certo tá claro",
    "nl": "ja oké ok precies goed",
}
_PHRASES = {
    "en": ("i see", "all right", "got it", "of course"),
    "de": ("ach so", "alles klar", "ich verstehe"),
    "fr": ("ah bon",),
    "it": ("va bene",),
}
_LONGEST = 4
"""Words; whoever says more has something to say."""


def _single(language: str) -> frozenset[str]:
    return frozenset(f"{_WORDS[language]} {_SOUNDS}".split())


_SINGLES = {language: _single(language) for language in _WORDS}
_ANY = frozenset().union(*_SINGLES.values())


def only_backchannel(heard: Sequence[str], language: str | None) -> bool:
    """Whether these words (as :func:`words` gives them) are nothing but listening noises.

    No words at all are: a cough, a breath. An unknown language is judged by all lists.
    """
    code = (language or "").split("-")[0].lower()
    singles = _SINGLES.get(code, _ANY)
    text = " ".join(heard)
    for phrase in _PHRASES.get(code, ()) if code else sum(_PHRASES.values(), ()):
        text = text.replace(phrase, "okay")
    rest = text.split()
    return len(rest) <= _LONGEST and all(word in singles or word == "okay" for word in rest)


def asks(text: str) -> bool:
    """Whether what was heard last is a question, so that "okay" would answer it."""
    return text.rstrip(" \"'”’)»").endswith(("?", "？"))
