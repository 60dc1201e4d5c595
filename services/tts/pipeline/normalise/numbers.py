"""Numbers in English: cardinals, ordinals, decimals, fractions, ranges, years, telephones."""

import re
from decimal import Decimal

from services.tts.pipeline.normalise.counting import counted, ordinal
from services.tts.pipeline.normalise.mapped import Mapped

NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
"""A number as English writes it, with optional thousands commas and decimals."""

_MOST_DIGITS_READ = 15
_ORDINAL = re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3})+|\d{1,9})(?:st|nd|rd|th)\b", re.IGNORECASE)
_YEAR = re.compile(r"(?<![\w.,:/$€£¥₹#+-])((?:1[1-9]|20)\d\d)(?![\w%°$€£¥₹]|[.,:/-]\d)")
_PHONE = re.compile(
    r"(?<![\w.])(\+\d{1,3}[ .-]?)?(?:\((\d{2,4})\) ?|(\d{3})[ .-])"
    r"(\d{3,4})[ .-](\d{4})(?![\w-]|\.\d)"
)
_VERSION = re.compile(r"(?<![\w.])[vV]?(\d+(?:\.\d+){2,})(?![\w])")
_FRACTION = re.compile(r"(?<![\w./])(?:(\d+) )?(\d{1,2})/(\d{1,3})(?![\w/]|\.\d)")
_VULGAR = re.compile(r"(?:(\d+) ?)?([¼½¾⅓⅔⅛⅜⅝⅞])")
_RANGE = re.compile(rf"(?<![\w.,/-])({NUMBER})\s?[-–]\s?({NUMBER})(?![\w/-])")
_PLAIN = re.compile(rf"(?<![\w])([-−+]?)(?<![\d.,])({NUMBER})(?!\w)")
_GLUED = re.compile(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
_CODE = re.compile(r"\b(?=\w*[A-Za-z])(?=\w*\d)[A-Za-z0-9]{2,12}\b")
_HASH = re.compile(r"#(?=\d)")
_POINT_FIRST = re.compile(r"(?<![\w.])\.(?=\d)")

_HALVES = {2: "half", 4: "quarter"}
_VULGAR_PARTS = {
    "¼": (1, 4), "½": (1, 2), "¾": (3, 4), "⅓": (1, 3), "⅔": (2, 3),
    "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8),
}  # fmt: skip
_SIGNS = {"-": "minus ", "−": "minus ", "+": "plus ", "": ""}


def cardinal(written: str) -> str:
    """`written` (digits, thousands commas, one decimal point) as English words.

    Numbers longer than people count in (card and account numbers) are read digit by digit.
    """
    digits = written.replace(",", "")
    whole, point, part = digits.partition(".")
    if len(whole) > _MOST_DIGITS_READ or (len(whole) > 1 and whole.startswith("0") and not part):
        said = digit_by_digit(whole)
    else:
        said = counted(int(whole or "0"))
    return f"{said} point {digit_by_digit(part)}" if point and part else said


def year(number: int) -> str:
    """A year as it is said: "nineteen eighty-four", "two thousand and five"."""
    century, rest = divmod(number, 100)
    if 2000 <= number < 2010 or number % 1000 == 0:
        return counted(number)
    if not rest:
        return f"{counted(century)} hundred"
    return f"{counted(century)} {'oh ' if rest < 10 else ''}{counted(rest)}"


def digit_by_digit(digits: str) -> str:
    """Each digit on its own."""
    return " ".join(counted(int(digit)) for digit in digits if digit.isdigit())


def is_one(written: str) -> bool:
    """Whether the unit after this number is singular."""
    return Decimal(written.replace(",", "")) == 1 and "." not in written


def said(text: Mapped) -> Mapped:
    """Every number still in digits as English words."""
    text = text.replace(_PHONE, _phone)
    text = text.replace(_HASH, "number ")
    text = text.replace(_POINT_FIRST, "0.")
    text = text.replace(_VERSION, lambda match: " point ".join(
        cardinal(part) for part in match[1].split(".")
    ))  # fmt: skip
    text = text.replace(_ORDINAL, lambda match: ordinal(int(match[1].replace(",", ""))))
    text = text.replace(_VULGAR, _vulgar)
    text = text.replace(_FRACTION, _fraction)
    text = text.replace(_RANGE, _range)
    text = text.replace(_YEAR, lambda match: year(int(match[1])))
    text = text.replace(_CODE, lambda match: _GLUED.sub(" ", match.group()))
    return text.replace(_PLAIN, lambda match: _SIGNS[match[1]] + cardinal(match[2]))


def _phone(match: re.Match[str]) -> str:
    groups = [group for group in match.groups() if group]
    said_groups = [digit_by_digit(group) for group in groups]
    if match[1]:
        said_groups[0] = f"plus {said_groups[0]}"
    return ", ".join(said_groups)


def _vulgar(match: re.Match[str]) -> str:
    above, below = _VULGAR_PARTS[match[2]]
    part = _part(above, below)
    return f"{cardinal(match[1])} and {part}" if match[1] else part


def _fraction(match: re.Match[str]) -> str | None:
    whole, above, below = match[1], int(match[2]), int(match[3])
    if (above, below) == (24, 7):  # "all the time"
        return "24 7"
    if below < 2 or (not whole and above >= below):
        return f"{match[1] + ' ' if match[1] else ''}{above} over {below}"
    part = _part(above, below)
    return f"{cardinal(whole)} and {part}" if whole else part


def _part(above: int, below: int) -> str:
    name = _HALVES.get(below) or ordinal(below)
    if above == 1:
        return f"{'a' if below in _HALVES else 'one'} {name}"
    return f"{cardinal(str(above))} {'halves' if below == 2 else name + 's'}"


def _range(match: re.Match[str]) -> str:
    both_years = all(re.fullmatch(r"(?:1[1-9]|20)\d\d", match[side]) for side in (1, 2))
    say = (lambda written: year(int(written))) if both_years else cardinal
    return f"{say(match[1])} to {say(match[2])}"
