"""Units of measure and signs between numbers in English."""

import re

from services.tts.pipeline.normalise.mapped import Mapped, alternatives
from services.tts.pipeline.normalise.numbers import NUMBER, cardinal, is_one

_UNITS = {
    "km": ("kilometre", "kilometres"), "m": ("metre", "metres"),
    "cm": ("centimetre", "centimetres"),
    "mm": ("millimetre", "millimetres"), "µm": ("micrometre", "micrometres"),
    "nm": ("nanometre", "nanometres"), "mi": ("mile", "miles"), "yd": ("yard", "yards"),
    "ft": ("foot", "feet"), "kg": ("kilogram", "kilograms"), "g": ("gram", "grams"),
    "mg": ("milligram", "milligrams"), "µg": ("microgram", "micrograms"),
    "lb": ("pound", "pounds"), "lbs": ("pound", "pounds"), "oz": ("ounce", "ounces"),
    "l": ("litre", "litres"), "L": ("litre", "litres"), "ml": ("millilitre", "millilitres"),
    "mL": ("millilitre", "millilitres"), "m²": ("square metre", "square metres"),
    "km²": ("square kilometre", "square kilometres"), "m³": ("cubic metre", "cubic metres"),
    "ft²": ("square foot", "square feet"), "ha": ("hectare", "hectares"),
    "km/h": ("kilometre per hour", "kilometres per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "m/s": ("metre per second", "metres per second"), "kn": ("knot", "knots"),
    "ms": ("millisecond", "milliseconds"), "µs": ("microsecond", "microseconds"),
    "ns": ("nanosecond", "nanoseconds"), "s": ("second", "seconds"), "sec": ("second", "seconds"),
    "min": ("minute", "minutes"), "h": ("hour", "hours"), "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"), "Hz": ("hertz", "hertz"), "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"), "GHz": ("gigahertz", "gigahertz"),
    "kB": ("kilobyte", "kilobytes"), "KB": ("kilobyte", "kilobytes"),
    "MB": ("megabyte", "megabytes"), "GB": ("gigabyte", "gigabytes"),
    "TB": ("terabyte", "terabytes"), "GiB": ("gibibyte", "gibibytes"),
    "MiB": ("mebibyte", "mebibytes"), "kbps": ("kilobit per second", "kilobits per second"),
    "Mbps": ("megabit per second", "megabits per second"),
    "Gbps": ("gigabit per second", "gigabits per second"),
    "W": ("watt", "watts"), "kW": ("kilowatt", "kilowatts"), "MW": ("megawatt", "megawatts"),
    "kWh": ("kilowatt hour", "kilowatt hours"), "V": ("volt", "volts"),
    "kV": ("kilovolt", "kilovolts"),
    "mA": ("milliamp", "milliamps"), "mAh": ("milliamp hour", "milliamp hours"),
    "Ω": ("ohm", "ohms"), "dB": ("decibel", "decibels"), "kcal": ("kilocalorie", "kilocalories"),
    "kJ": ("kilojoule", "kilojoules"), "J": ("joule", "joules"), "N": ("newton", "newtons"),
    "Pa": ("pascal", "pascals"), "hPa": ("hectopascal", "hectopascals"), "bar": ("bar", "bar"),
    "psi": ("pound per square inch", "pounds per square inch"),
    "°C": ("degree Celsius", "degrees Celsius"), "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"), "%": ("percent", "percent"), "‰": ("per mille", "per mille"),
    "px": ("pixel", "pixels"), "fps": ("frame per second", "frames per second"),
    "rpm": ("revolution per minute", "revolutions per minute"), "x": ("times", "times"),
    "k": ("thousand", "thousand"),
}  # fmt: skip
_GLUED_ONLY = frozenset({"L", "W", "V", "J", "N", "x", "k"})
"""These letters after a space are more often something else: "Figure 5 J"."""

_MEASURE = re.compile(
    rf"(?<![\w.,/])([-−+]?)({NUMBER})(?:\s?[-–]\s?({NUMBER}))?(\s?)({alternatives(tuple(_UNITS))})(?![\w²³/])"
)
_HEIGHT = re.compile(r"(?<!\w)(\d)['′]\s?(\d{1,2})(?:\"|″|'')")
_BETWEEN = re.compile(r"(?<=[\w)%])\s*([=+×÷<>≤≥≈±]|(?<=\s)[-−/](?=\s))\s*(?=[\w(−$€£-])")
_OPERATORS = {
    "=": "equals", "+": "plus", "×": "times", "÷": "divided by", "<": "is less than",
    ">": "is greater than", "≤": "is at most", "≥": "is at least", "≈": "is about",
    "±": "plus or minus", "-": "minus", "−": "minus", "/": "divided by",
}  # fmt: skip
_SIGN_WORDS = {"&": " and ", "@": " at ", "±": "plus or minus ", "≈": "about ", "©": "copyright ",
               "®": "", "™": "", "§": "section ", "°": " degrees", "%": " percent",
               "~": "about "}  # fmt: skip
_SIGN = re.compile(rf"\s?([{re.escape(''.join(_SIGN_WORDS))}])\s?")


def said(text: Mapped) -> Mapped:
    """ "5 km" as "five kilometres", "72°F" as "seventy-two degrees Fahrenheit"."""
    text = text.replace(_HEIGHT, lambda match: f"{cardinal(match[1])} foot {cardinal(match[2])}")
    return text.replace(_MEASURE, _measure)


def operators(text: Mapped) -> Mapped:
    """Signs between numbers and the signs that stand for words."""
    if re.search(r"\d", text.text):
        text = text.replace(_BETWEEN, _between)
    return text.replace(_SIGN, lambda match: _SIGN_WORDS[match[1]])


def _measure(match: re.Match[str]) -> str | None:
    sign, number, upper, space, unit = match.groups()
    if space and unit in _GLUED_ONLY:
        return None
    prefix = {"-": "minus ", "−": "minus ", "+": "plus "}.get(sign, "")
    one, many = _UNITS[unit]
    if upper:
        return f"{prefix}{cardinal(number)} to {cardinal(upper)} {many}"
    return f"{prefix}{cardinal(number)} {one if is_one(number) else many}"


def _between(match: re.Match[str]) -> str | None:
    around = match.string[max(0, match.start() - 1)] + match.string[match.end() : match.end() + 1]
    if match[1] in "-−/<>" and not any(character.isdigit() for character in around):
        return None
    return f" {_OPERATORS[match[1]]} "
