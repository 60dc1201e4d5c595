"""What no engine should be asked to say: control characters, markup, decoration."""

import html
import re
import unicodedata

from services.tts.pipeline.normalise.mapped import Mapped

_SPACES = re.compile(r"[^\S\n]+")
_BREAKS = re.compile(r"\s*\n\s*")
_REPEATED = re.compile(r"([!?,;:])(?:\s*\1)+")
_ELLIPSIS = re.compile(r"\s*(?:…|\.{2,})")
_DASH = re.compile(r"\s*(?:[—―]|(?<=\s)[–-]{1,3}(?=\s)|--+)\s*")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_LONE_MARKS = re.compile(r"(?<!\S)[^\w\s$€£¥₹@#%&+=<>°]+(?!\S)")

_QUOTES = str.maketrans({"‘": "'", "’": "'", "‚": "'", "‛": "'", "“": '"', "”": '"', "„": '"'})
_KEPT_CONTROLS = "\n\t\r\u2028\u2029"
_EMOJI_JOINERS = frozenset("\u200d\ufe0e\ufe0f\u20e3")
_JOINERS_OF_WORDS = frozenset("\u200c")  # Persian and Indic scripts write words with it
_EMOJI_RANGES = (
    (0x1F000, 0x1FAFF),
    (0x2600, 0x27BF),
    (0x2B00, 0x2BFF),
    (0x2190, 0x21FF),
    (0x2300, 0x23FF),
    (0x25A0, 0x25FF),
    (0xE0020, 0xE007F),
)


def is_emoji(character: str) -> bool:
    """Whether `character` is a picture, or a part of one, and not of any word."""
    if character in _EMOJI_JOINERS:
        return True
    point = ord(character)
    return any(first <= point <= last for first, last in _EMOJI_RANGES)


def characters(text: Mapped, *, name_emoji: bool) -> Mapped:
    """Control, formatting and unpaired surrogate characters go; quotes and spaces become plain.

    Pictures go too, or are called by their Unicode name where there is nothing else to say.
    """

    def say(character: str) -> str:
        if is_emoji(character):
            return _emoji_name(character) if name_emoji else " "
        return _plain(character)

    return text.translate(say)


def _plain(character: str) -> str:
    if character in _KEPT_CONTROLS:
        return " " if character == "\t" else "\n"
    category = unicodedata.category(character)
    if category in {"Cc", "Cf", "Cs", "Co", "Cn"} and character not in _JOINERS_OF_WORDS:
        return ""
    if category == "Zs":
        return " "
    return (
        unicodedata.normalize("NFKC", character)
        if _is_styled(character)
        else (character.translate(_QUOTES))
    )


def _is_styled(character: str) -> bool:
    """Letters and digits in typographic dress (bold, full-width, ligatures)."""
    point = ord(character)
    return (
        0x1D400 <= point <= 0x1D7FF  # mathematical alphabets
        or (0xFF10 <= point <= 0xFF5A and character.isalnum())  # full-width forms
        or 0xFB00 <= point <= 0xFB06  # ligatures
    )


def _emoji_name(character: str) -> str:
    if character in _EMOJI_JOINERS or 0x1F3FB <= ord(character) <= 0x1F3FF:  # skin tones
        return ""
    return f" {unicodedata.name(character, '').lower().replace('-', ' ')} "


def entities(text: Mapped) -> Mapped:
    """HTML entities become the characters they stand for."""
    return text.replace(_ENTITY, lambda match: html.unescape(match.group()))


def punctuation(text: Mapped) -> Mapped:
    """Runs of marks become one; dashes become the pause that they are; line ends end a clause."""
    text = text.replace(_ELLIPSIS, lambda match: "." if _at_end(match) else ",")
    text = text.replace(_DASH, lambda match: ", " if match.start() else "")
    text = text.replace(_REPEATED, lambda match: match.group(1))
    text = text.replace(_LONE_MARKS, _lone)
    text = text.replace(_BREAKS, _line_end)
    return text.replace(_SPACES, " ").stripped()


def _lone(match: re.Match[str]) -> str:
    """Marks that stand alone are decoration unless they end the sentence before."""
    return match.group() if match.group() in {".", "!", "?", ",", ";", ":"} else ""


def _at_end(match: re.Match[str]) -> bool:
    rest = match.string[match.end() :].lstrip()
    return not rest or rest[0].isupper()


def _line_end(match: re.Match[str]) -> str:
    before = match.string[: match.start()].rstrip()
    if not before or before[-1] in ".!?,;:。！？、，；：" or match.end() == len(match.string):
        return " "
    return ". "
