"""Addresses: web, mail, and names of files as people say them."""

import re

from services.tts.pipeline.normalise.mapped import Mapped

_URL = re.compile(r"(?:(?:https?|ftp)://|www\.)[^\s<>\"]+", re.IGNORECASE)
_MAIL = re.compile(r"(?:mailto:)?([\w.+-]+)@([\w-]+(?:\.[\w-]+)+)")
_DOMAIN = re.compile(
    r"(?<![\w@.])((?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|ai|edu|gov|info|co\.uk|uk|de|eu|app))"
    r"(/[^\s<>\",;]*)?(?![\w])",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?)]}'\""
_MARKS = {".": "dot", "-": "dash", "_": "underscore", "/": "slash", "+": "plus", "@": "at"}
_SPELT = re.compile(r"[.\-_/+@]")
_MOST_OF_PATH = 40


def said(text: Mapped) -> Mapped:
    """Web and mail addresses as words; a long path or a query is left unsaid."""
    text = text.replace(_URL, _url)
    text = text.replace(_MAIL, lambda match: f"{_spelt(match[1])} at {_spelt(match[2])}")
    return text.replace(_DOMAIN, lambda match: _address(match[1], match[2] or ""))


def _url(match: re.Match[str]) -> str:
    whole = match.group()
    bare = whole.rstrip(_TRAILING)
    after = whole[len(bare) :]
    address = re.sub(r"^[a-z]+://", "", bare, flags=re.IGNORECASE)
    host, slash, path = address.partition("/")
    host = host.rpartition("@")[2].partition(":")[0]
    return _address(re.sub(r"^www\.", "", host, flags=re.IGNORECASE), slash + path) + after


def _address(host: str, path: str) -> str:
    plain = re.split(r"[?#]", path, maxsplit=1)[0].rstrip("/")
    if len(plain) > _MOST_OF_PATH or "%" in plain:
        plain = ""
    return _spelt(host + plain)


def _spelt(name: str) -> str:
    spelt = _SPELT.sub(lambda mark: f" {_MARKS[mark.group()]} ", name)
    return " ".join(spelt.split())


def shortened(text: Mapped) -> Mapped:
    """Web addresses cut down to their host, for languages whose words for "dot" are unknown."""
    return text.replace(_URL, _host)


def _host(match: re.Match[str]) -> str:
    whole = match.group()
    bare = whole.rstrip(_TRAILING)
    host = re.sub(r"^[a-z]+://", "", bare, flags=re.IGNORECASE).partition("/")[0]
    host = host.rpartition("@")[2].partition(":")[0]
    return re.sub(r"^www\.", "", host, flags=re.IGNORECASE) + whole[len(bare) :]
