"""Names of languages, as OpenAI's verbose_json writes them."""

from types import MappingProxyType

NAMES = MappingProxyType(
    {
        "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german",
        "el": "greek", "en": "english", "es": "spanish", "fa": "persian", "fi": "finnish",
        "fr": "french", "he": "hebrew", "hi": "hindi", "hr": "croatian", "hu": "hungarian",
        "id": "indonesian", "it": "italian", "ja": "japanese", "ko": "korean", "ms": "malay",
        "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian",
        "ru": "russian", "sk": "slovak", "sv": "swedish", "ta": "tamil", "th": "thai",
        "tr": "turkish", "uk": "ukrainian", "ur": "urdu", "vi": "vietnamese", "zh": "chinese",
    }
)  # fmt: skip
"""ISO 639-1 to English; those that people ask for."""
_CODES = {name: code for code, name in NAMES.items()}


def code_of(language: object) -> str | None:
    """ISO 639-1 of a name or a code; None for what is neither."""
    text = str(language or "").lower()
    if text in _CODES:
        return _CODES[text]
    code = text.partition("-")[0]
    return code if 2 <= len(code) <= 3 and code.isalpha() else None


_UNSPACED = frozenset({"zh", "ja", "yue", "th", "lo", "my", "km"})


def base_code(language: str) -> str:
    """ISO 639-1 in lower case, without the region: `de` of `de-DE` and `de_AT`."""
    return language.lower().replace("_", "-").partition("-")[0]


def space(language: str | None) -> str:
    """What stands between two words of a language: nothing in Chinese, Japanese and some more."""
    return "" if language in _UNSPACED else " "
