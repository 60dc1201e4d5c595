"""Dates and times of day in English."""

import re

from services.tts.pipeline.normalise.counting import ordinal
from services.tts.pipeline.normalise.mapped import Mapped, alternatives
from services.tts.pipeline.normalise.numbers import cardinal, year

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_SHORT = {name[:3]: name for name in _MONTHS} | {"Sept": "September"}
_DAYS = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday",
    "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip
_MONTH = rf"({alternatives((*_MONTHS, *_SHORT))})\b\.?"
_ISO = re.compile(r"(?<![\w.-])(\d{4})-(\d{2})-(\d{2})(?:[T ](?=\d{2}:\d{2})|(?![\w-]))")
_SLASHED = re.compile(r"(?<![\w./])(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?![\w/])")
_MONTH_FIRST = re.compile(
    rf"\b{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?(?!\d|[:.,]\d)(?:,? (\d{{4}})\b)?"
)
_DAY_FIRST = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,? (\d{{4}})\b)?")
_SHORT_MONTH_YEAR = re.compile(rf"\b({alternatives(tuple(_SHORT))})\.? (?=\d{{4}}\b)")
_SHORT_DAY = re.compile(rf"\b({alternatives(tuple(_DAYS))})\b\.?(?=,? (?:the |[A-Z]|\d))")
_HALF = r"([ap])(?:\.\s?m\b\.?|\s?m\b)"
_CLOCK = re.compile(
    r"(?<![\w:.])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])(?:\s?" + _HALF + r")?(Z\b)?",
    re.IGNORECASE,
)
_DECADE = re.compile(r"(?<![\w.])(?:((?:1\d|20)\d0)|'(\d0))'?s\b")
_HOUR = re.compile(r"(?<![\w:.])(1[0-2]|0?[1-9])\s?" + _HALF, re.IGNORECASE)


def said(text: Mapped, *, day_first: bool = False) -> Mapped:
    """Dates and times as words; `day_first` reads 3/5/2024 as the third of May."""
    text = text.replace(_DECADE, _decade)
    text = text.replace(_ISO, _iso)
    text = text.replace(_SLASHED, lambda match: _slashed(match, day_first=day_first))
    text = text.replace(_MONTH_FIRST, lambda match: _date(match[1], int(match[2]), match[3]))
    text = text.replace(_DAY_FIRST, lambda match: _date(match[2], int(match[1]), match[3]))
    text = text.replace(_SHORT_MONTH_YEAR, lambda match: f"{_SHORT[match[1]]} ")
    text = text.replace(_SHORT_DAY, lambda match: _DAYS[match[1]])
    text = text.replace(_CLOCK, _clock)
    return text.replace(_HOUR, lambda match: f"{cardinal(match[1].lstrip('0'))} {_half(match[2])}")


def _decade(match: re.Match[str]) -> str:
    said_year = year(int(match[1])) if match[1] else cardinal(match[2])
    return f"{said_year[:-1]}ies" if said_year.endswith("y") else f"{said_year}s"


def _iso(match: re.Match[str]) -> str | None:
    month, day = int(match[2]), int(match[3])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    between = ", " if match.group()[-1] in "T " else ""
    return _date(_MONTHS[month - 1], day, match[1]) + between


def _slashed(match: re.Match[str], *, day_first: bool) -> str | None:
    first, second = int(match[1]), int(match[2])
    day, month = (first, second) if day_first else (second, first)
    if month > 12 >= day:
        day, month = month, day
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    written = match[3] if len(match[3]) == 4 else f"20{match[3]}"
    return _date(_MONTHS[month - 1], day, written)


def _date(month: str, day: int, written_year: str | None) -> str:
    name = _SHORT.get(month, month)
    if not 1 <= day <= 31:
        return f"{name} {day}" + (f" {written_year}" if written_year else "")
    said_year = f", {year(int(written_year))}" if written_year else ""
    return f"{name} {ordinal(day)}{said_year}"


def _clock(match: re.Match[str]) -> str:
    hour, minute, second, half = int(match[1]), int(match[2]), match[3], match[4]
    said_time = _hour_and_minute(hour, minute, half=bool(half))
    if second:
        said_time += f" and {cardinal(str(int(second)))} second{'' if int(second) == 1 else 's'}"
    if half:
        said_time += f" {_half(half)}"
    return said_time + (" U T C" if match[5] else "")


def _hour_and_minute(hour: int, minute: int, *, half: bool) -> str:
    if minute == 0:
        if half:
            return cardinal(str(hour))
        return f"{cardinal(str(hour))} o'clock" if 1 <= hour <= 12 else f"{_hour(hour)} hundred"
    minutes = cardinal(str(minute)) if minute >= 10 else f"oh {cardinal(str(minute))}"
    return f"{_hour(hour)} {minutes}"


def _hour(hour: int) -> str:
    return cardinal(str(hour)) if hour else "zero"


def _half(letter: str) -> str:
    return f"{letter.upper()} M"
