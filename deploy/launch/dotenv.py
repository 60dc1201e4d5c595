"""The lines of a `.env` file, as the services' own reader takes them, without its package."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LINE = re.compile(
    r"""
    ^[ \t]*(?:export[ \t]+)?(?P<name>[^\s=#'"]+)[ \t]*=[ \t]*
    (?: '(?P<single>(?:\\'|[^'])*)' | "(?P<double>(?:\\"|[^"])*)" | (?P<plain>[^\r\n]*) )
    """,
    re.VERBOSE | re.MULTILINE,
)
_REMARK = re.compile(r"\s+#.*")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_SINGLE = re.compile(r"\\([\\'])")
_DOUBLE = re.compile(r"""\\([\\'"abfnrtv])""")


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """Names and values: quoted or plain, with remarks behind them, after `export` or not.

    A value that refers to another (`${NAME}`) is left to the services.
    """
    for found in _LINE.finditer(text):
        value = _value(found)
        if "${" not in value:
            yield found["name"], value


def _value(found: re.Match[str]) -> str:
    if (single := found["single"]) is not None:
        return _SINGLE.sub(r"\1", single)
    if (double := found["double"]) is not None:
        return _DOUBLE.sub(lambda escape: _ESCAPES.get(escape[1], escape[1]), double)
    return _REMARK.sub("", found["plain"]).rstrip()
