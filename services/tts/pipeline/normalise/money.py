"""Sums of money in English."""

import re
from dataclasses import dataclass

from services.tts.pipeline.normalise.mapped import Mapped, alternatives
from services.tts.pipeline.normalise.numbers import NUMBER, cardinal, is_one


@dataclass(frozen=True)
class Currency:
    """The words for one and for many, of the whole and of its hundredth (empty: it has none)."""

    one: str
    many: str
    cent: str = ""
    cents: str = ""


_DOLLAR = Currency("dollar", "dollars", "cent", "cents")
_EURO = Currency("euro", "euros", "cent", "cents")
_POUND = Currency("pound", "pounds", "penny", "pence")
_YEN = Currency("yen", "yen")
_RUPEE = Currency("rupee", "rupees", "paisa", "paise")
_FRANC = Currency("Swiss franc", "Swiss francs", "centime", "centimes")
_CURRENCIES = {
    "$": _DOLLAR, "US$": _DOLLAR, "USD": Currency("US dollar", "US dollars", "cent", "cents"),
    "CA$": Currency("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "A$": Currency("Australian dollar", "Australian dollars", "cent", "cents"),
    "€": _EURO, "EUR": _EURO, "£": _POUND, "GBP": _POUND, "¥": _YEN, "JPY": _YEN,
    "₹": _RUPEE, "INR": _RUPEE, "CHF": _FRANC, "₩": Currency("won", "won"),
    "₽": Currency("rouble", "roubles"), "₿": Currency("bitcoin", "bitcoins"),
}  # fmt: skip
_SCALES = {
    "k": "thousand", "m": "million", "mm": "million", "bn": "billion", "b": "billion",
    "tn": "trillion", "t": "trillion", "thousand": "thousand", "million": "million",
    "billion": "billion", "trillion": "trillion",
}  # fmt: skip
_NAMES = alternatives(tuple(_CURRENCIES))
_SCALE = rf"(?:\s?({alternatives(tuple(_SCALES))})\b)?"
_BEFORE = re.compile(
    rf"(?<![\w])([-−]?)({_NAMES})\s?([-−]?)({NUMBER}){_SCALE}(?![\d])", re.IGNORECASE
)
_AFTER = re.compile(rf"(?<![\w.,])([-−]?)()()({NUMBER}){_SCALE}\s?({_NAMES})(?!\w)", re.IGNORECASE)
_TO = re.compile(rf"(?<=\d)\s?[-–]\s?(?=(?:{_NAMES})\s?\d)", re.IGNORECASE)
_SPAN = re.compile(
    rf"(?<!\w)({_NAMES})\s?({NUMBER})\s?[-–]\s?({NUMBER}){_SCALE}(?![\w-])", re.IGNORECASE
)
_CENTS = re.compile(r"(?<![\w.,])(\d{1,3})\s?¢")


def said(text: Mapped) -> Mapped:
    """ "$5.50" as "five dollars and fifty cents", "€2m" as "two million euros"."""
    text = text.replace(_TO, " to ")
    text = text.replace(_SPAN, _span)
    text = text.replace(_BEFORE, lambda match: _sum(match, match[2], match[5]))
    text = text.replace(_AFTER, lambda match: _sum(match, match[6], match[5]))
    return text.replace(
        _CENTS, lambda match: f"{cardinal(match[1])} cent{'' if match[1] == '1' else 's'}"
    )


def _span(match: re.Match[str]) -> str:
    name, low, high, scale = match.groups()
    return (
        f"{cardinal(low)} to {_amount(high, _SCALES[scale.lower()] if scale else '', _named(name))}"
    )


def _named(name: str) -> Currency:
    return _CURRENCIES.get(name) or _CURRENCIES[name.upper()]


def _sum(match: re.Match[str], name: str, scale: str | None) -> str:
    sign = "minus " if match[1] or match[3] else ""
    return sign + _amount(match[4], _SCALES[scale.lower()] if scale else "", _named(name))


def _amount(written: str, scale: str, currency: Currency) -> str:
    if scale:
        return f"{cardinal(written)} {scale} {currency.many}"
    whole, point, part = written.partition(".")
    if not (point and currency.cents and len(part) == 2):
        return f"{cardinal(written)} {currency.one if is_one(written) else currency.many}"
    small = int(part)
    units = f"{cardinal(whole)} {currency.one if is_one(whole) else currency.many}"
    if not small:
        return units
    coins = f"{cardinal(str(small))} {currency.cent if small == 1 else currency.cents}"
    return coins if not whole.strip("0,") else f"{units} and {coins}"
