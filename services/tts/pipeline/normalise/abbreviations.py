"""Abbreviations in English, and which full stops do not end a sentence."""

import re

from services.tts.pipeline.normalise.mapped import Mapped, alternatives

_BEFORE_NAMES = {
    "Mr.": "Mister", "Mrs.": "Missus", "Ms.": "Miz", "Dr.": "Doctor", "Prof.": "Professor",
    "Rev.": "Reverend", "Gen.": "General", "Col.": "Colonel", "Capt.": "Captain",
    "Lt.": "Lieutenant",
    "Sgt.": "Sergeant", "Sen.": "Senator", "Rep.": "Representative", "Gov.": "Governor",
    "Pres.": "President", "Hon.": "Honourable", "Mt.": "Mount", "Ft.": "Fort",
}  # fmt: skip
_ANYWHERE = {
    "e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "vs.": "versus", "vs": "versus",
    "approx.": "approximately", "appt.": "appointment", "apt.": "apartment", "dept.": "department",
    "est.": "established", "Jr.": "Junior", "Sr.": "Senior", "Inc.": "Incorporated",
    "Ltd.": "Limited", "Corp.": "Corporation", "Co.": "Company", "Ave.": "Avenue",
    "Blvd.": "Boulevard", "Rd.": "Road", "cf.": "compare", "viz.": "namely", "w/o": "without",
    "w/": "with", "b/c": "because", "ca.": "circa", "al.": "al", "min.": "minutes",
    "hrs.": "hours", "Sq.": "Square", "ext.": "extension", "Univ.": "University",
}  # fmt: skip
_BEFORE_NUMBERS = {
    "No.": "number", "no.": "number", "Nr.": "number", "Vol.": "volume", "vol.": "volume",
    "Ch.": "chapter", "ch.": "chapter", "Fig.": "figure", "fig.": "figure", "p.": "page",
    "pp.": "pages", "Sec.": "section", "sec.": "section", "Art.": "article", "§": "section",
}  # fmt: skip
NEVER_END = frozenset(
    name.rstrip(".").lower() for name in (*_BEFORE_NAMES, *_BEFORE_NUMBERS, "e.g.", "i.e.", "vs.",
    "approx.", "cf.", "viz.", "ca.", "St.", "al.", "Jan.", "Feb.", "Mar.", "Apr.", "Jun.", "Jul.",
    "Aug.", "Sept.", "Sep.", "Oct.", "Nov.", "Dec.", "bzw.", "z.B.", "u.a.", "d.h.", "Hr.", "Fr.",
    "Sra.", "Sr.", "Mme.", "M.", "Mlle.", "Sig.")
)  # fmt: skip
"""Words after which a full stop does not end a sentence, lower case, without the stop."""

_MAY_END = frozenset({"etc.", "Inc.", "Ltd.", "Corp.", "Jr.", "Sr.", "al."})
"""These end a sentence when a capital letter follows."""

_NAME = re.compile(rf"\b({alternatives(tuple(_BEFORE_NAMES))})(?=\s*[A-Z])")
_ANY = re.compile(rf"(?<![\w.])({alternatives(tuple(_ANYWHERE))})(?!\w)")
_NUMBER = re.compile(rf"(?<!\w)({alternatives(tuple(_BEFORE_NUMBERS))})\s?(?=\d)")
_SAINT = re.compile(r"\bSt\.(?=\s[A-Z])")
_STREET = re.compile(r"(?<=\w )St\.")
_INITIALS = re.compile(r"\b(?:[A-Z]\.){2,}")


def said(text: Mapped) -> Mapped:
    """ "Dr. Lee, e.g." as "Doctor Lee, for example"; initials lose their stops: "U.S." is "U S"."""
    text = text.replace(_STREET, _street)
    text = text.replace(_SAINT, "Saint")
    text = text.replace(_NAME, lambda match: _BEFORE_NAMES[match[1]])
    text = text.replace(_NUMBER, lambda match: f"{_BEFORE_NUMBERS[match[1]]} ")
    text = text.replace(
        _INITIALS, lambda match: " ".join(match.group().replace(".", "")) + _stop(match)
    )
    return text.replace(_ANY, lambda match: _ANYWHERE[match[1]] + _stop(match))


def _street(match: re.Match[str]) -> str | None:
    before = match.string[: match.start()].rstrip().rpartition(" ")[2]
    after = match.string[match.end() :].lstrip()[:1]
    if before[:1].isupper() and not after.isupper():
        return "Street"
    return None


def _stop(match: re.Match[str]) -> str:
    """The full stop that also ended the sentence is kept."""
    if not match.group().rstrip().endswith("."):
        return ""
    rest = match.string[match.end() :].lstrip()
    ends = not rest or (match.group() in _MAY_END and rest[0].isupper())
    return "." if ends else ""
