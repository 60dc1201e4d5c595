"""What the user wrote, as it is to be spoken, with a map back to what was written."""

import re

from services.tts.pipeline.normalise import (
    abbreviations,
    clean,
    links,
    markup,
    moments,
    money,
    numbers,
    units,
)
from services.tts.pipeline.normalise.mapped import Mapped

_WORD = re.compile(r"\w")
_SPACES = re.compile(r" {2,}")
_SPACE_BEFORE_MARK = re.compile(r" +(?=[,.;:!?])")


def speakable(
    text: str, language: str | None = "en", *, offset: int = 0, name_emoji: bool = False
) -> Mapped:
    """`text` with everything that is written otherwise than it is said put into words.

    English is put into words whole; other languages are only cleaned (markup, addresses' schemes,
    control characters, emoji), because wrong words are worse than an engine's own reading.

    Args:
        text: as the user wrote it; any Unicode, unpaired surrogates included.
        language: of the text, ISO 639-1, perhaps with a region (`en-GB` reads day before month);
            None counts as English.
        offset: of `text` in the user's whole text.
        name_emoji: say the names of emoji instead of leaving them out.

    Returns:
        The spoken text; empty when there is nothing to say.
    """
    tag = (language or "en").lower().replace("_", "-")
    spoken = clean.characters(Mapped.plain(text, offset), name_emoji=name_emoji)
    spoken = clean.entities(spoken)
    spoken = markup.unmarked(spoken)
    if tag.partition("-")[0] == "en":
        spoken = _english(spoken, day_first=tag.startswith("en-") and tag != "en-us")
    else:
        spoken = links.shortened(spoken)
    spoken = clean.punctuation(spoken)
    spoken = spoken.replace(_SPACE_BEFORE_MARK, "").replace(_SPACES, " ").stripped()
    return spoken if _WORD.search(spoken.text) else Mapped("", (), ())


def _english(text: Mapped, *, day_first: bool) -> Mapped:
    text = links.said(text)
    text = abbreviations.said(text)
    text = money.said(text)
    text = moments.said(text, day_first=day_first)
    text = units.said(text)
    text = units.operators(text)
    return numbers.said(text)


def has_words(text: str) -> bool:
    """Whether there is anything to say but pictures and marks."""
    return _WORD.search(text) is not None
