"""Markdown and tags: what marks up words goes, the words stay."""

import re

from services.tts.pipeline.normalise.mapped import Mapped

_CODE_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n`]*$\n?", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9:-]*(?:\s[^<>]{0,300})?/?>")
_LINK = re.compile(r"!?\[([^\[\]\n]{0,400})\](?:\([^()\s]*(?:\s+\"[^\"]*\")?\)|\[[^\]\n]*\])")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]+)>")
_HEADING = re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+|[ \t]+#+[ \t]*$", re.MULTILINE)
_QUOTE = re.compile(r"^[ \t]{0,3}(?:>[ \t]?)+", re.MULTILINE)
_RULE = re.compile(
    r"^[ \t]{0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|={3,})$", re.MULTILINE
)
_BULLET = re.compile(r"^[ \t]*[-*+•‣◦][ \t]+(?:\[[ xX]\][ \t]+)?", re.MULTILINE)
_TABLE_RULE = re.compile(
    r"^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?$", re.MULTILINE
)
_TABLE_EDGE = re.compile(r"^[ \t]*\||\|[ \t]*$", re.MULTILINE)
_TABLE_CELL = re.compile(r"[ \t]*\|[ \t]*")
_STRONG = re.compile(r"\*{1,3}|~~|`+")
_UNDERLINE = re.compile(r"(?<![A-Za-z0-9])_{1,3}(?=\S)|(?<=\S)_{1,3}(?![A-Za-z0-9])")
_TIMES = re.compile(r"(?<=\d)[ \t]*\*[ \t]*(?=\d)")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|>~])")


def unmarked(text: Mapped) -> Mapped:
    """`text` without Markdown and tags; links and pictures keep their words."""
    text = text.replace(_COMMENT, " ")
    text = text.keep(_AUTOLINK, 1)
    text = text.replace(_TAG, " ")
    text = text.keep(_LINK, 1)
    for pattern in (_CODE_FENCE, _RULE, _TABLE_RULE, _HEADING, _QUOTE, _BULLET, _TABLE_EDGE):
        text = text.replace(pattern, "")
    if "|" in text.text:
        text = text.replace(_TABLE_CELL, ", ")
    text = text.replace(_TIMES, " × ")
    text = text.keep(_ESCAPE, 1)
    return text.replace(_STRONG, "").replace(_UNDERLINE, "")
