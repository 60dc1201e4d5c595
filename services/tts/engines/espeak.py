"""espeak-ng: any language, at once, robotic. It needs no weights, no GPU and no network."""

import re
from collections.abc import Callable, Iterator, Sequence

import soxr

from services.tts.engines.base import (
    SAMPLE_RATE,
    EngineInfo,
    SpeechChunk,
    SpeechRequest,
    Voice,
    WordTime,
)
from services.tts.engines.clausewise import ClauseEngine, Loaded
from services.tts.engines.espeak_library import EspeakLibrary, EspeakVoice, Said
from shared.engine import Kind
from shared.errors import InvalidRequest, NotFound
from shared.scheduling.metrics import Observer

DEFAULT_VOICE = "en-us"
_WORDS_PER_MINUTE = 175
_SLOWEST, _FASTEST = 80, 450
_MAX_CHARS = 240
_CAPACITY = 30
"""One core speaks hundreds of times faster than real time: the places are the limit."""
_ISO_639_1 = {"cmn": "zh", "yue": "zh", "nb": "no", "grc": "el"}
_WORD = re.compile(r"[^\s]+")
_MARKS = re.compile(r"^\W+|\W+$")
_VARIANT = "!v/"


class EspeakVoices:
    """The library's languages, and its variants, which change the timbre of any language."""

    def __init__(self, rows: Sequence[EspeakVoice]) -> None:
        self._languages: dict[str, EspeakVoice] = {}
        self._variants: dict[str, str] = {}
        for row in rows:
            if row.identifier.startswith(_VARIANT):
                variant = row.identifier.removeprefix(_VARIANT)
                self._variants[_slug(variant)] = variant
            else:
                self._languages.setdefault(row.language, row)

    def listed(self) -> tuple[Voice, ...]:
        """A voice for each language, then the variants, which speak any of them."""
        languages = [
            Voice(code, row.name, (iso_639_1(code),)) for code, row in self._languages.items()
        ]
        variants = [Voice(slug, variant, ()) for slug, variant in self._variants.items()]
        return (*languages, *variants)

    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 where there is such a code."""
        return tuple(sorted({iso_639_1(code) for code in self._languages}))

    def chosen(self, voice_id: str, language: str | None) -> str:
        """What the library calls `voice_id` speaking `language`.

        Raises:
            NotFound: no such voice. InvalidRequest: no such language.
        """
        if voice_id in self._variants:
            return f"{self._spoken(language or DEFAULT_VOICE)}+{self._variants[voice_id]}"
        if voice_id not in self._languages:
            raise NotFound(f"no voice {voice_id!r}", param="voice")
        if language is None or iso_639_1(voice_id) == language.lower():
            return voice_id
        return self._spoken(language)

    def _spoken(self, language: str) -> str:
        code = language.lower().replace("_", "-")
        if code == "en":
            return DEFAULT_VOICE
        if code in self._languages:
            return code
        short = iso_639_1(code)
        near = [known for known in self._languages if iso_639_1(known) == short]
        if not near:
            raise InvalidRequest(f"espeak speaks no {language!r}", param="language")
        return near[0]


def iso_639_1(code: str) -> str:
    """The language of a code like `en-gb-x-rp`."""
    short = code.partition("-")[0]
    return _ISO_639_1.get(short, short)


def _slug(variant: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", variant.lower()).strip("-")


class EspeakVoice24k:
    """The library behind the clause seam: 24 kHz and word times."""

    def __init__(self, library: EspeakLibrary, voices: EspeakVoices) -> None:
        self._library = library
        self._voices = voices

    def say(self, request: SpeechRequest, wanted: Callable[[], bool]) -> SpeechChunk:
        """Speak the request whole; a cancelled one stops at the library's next 60 ms."""
        text = request.text.replace("\0", " ").encode(errors="replace").decode()
        pace = min(max(round(_WORDS_PER_MINUTE * request.speed), _SLOWEST), _FASTEST)
        voice = self._voices.chosen(request.voice_id, request.language)
        said = self._library.say(text, voice, pace, wanted)
        rate = self._library.sample_rate
        words = tuple(_word_times(text, said, rate))
        return SpeechChunk(soxr.resample(said.samples, rate, SAMPLE_RATE), words)

    def close(self) -> None:
        """Free the library's tables."""
        self._library.close()


def _word_times(text: str, said: Said, rate: int) -> Iterator[WordTime]:
    """Each word of `text` that the library told the begin of, until the next one's begin.

    The library tells parts of compounds and, in scripts it spells out, the same place again and
    again: one word of the text is one word here.
    """
    begins: list[tuple[re.Match[str], int]] = []
    matches = _WORD.finditer(text)
    for word in said.words:
        if begins and word.text_start < begins[-1][0].end():
            continue
        match = next((m for m in matches if m.end() > word.text_start), None)
        if match is None:
            break
        begins.append((match, word.sample))
    if not begins:
        return
    ends = [sample for _, sample in begins[1:]] + [len(said.samples)]
    for (match, begin), end in zip(begins, ends, strict=True):
        name = _MARKS.sub("", match.group()) or match.group()
        start = match.start() + match.group().find(name)
        yield WordTime(name, begin / rate, max(begin, end) / rate, start, start + len(name))


def espeak_engine(*, reason: str = "", observer: Observer | None = None) -> ClauseEngine:
    """espeak-ng behind the engine seam; `reason` says why it was chosen."""

    def load() -> Loaded:
        library = EspeakLibrary()
        voices = EspeakVoices(library.voices())
        info = EngineInfo(
            name="espeak",
            model="espeak-ng-1.52",
            kind=Kind.STREAMING,
            capacity=_CAPACITY,
            languages=voices.languages(),
            voices=voices.listed(),
            default_voice=DEFAULT_VOICE,
            capabilities=frozenset({"speed", "language", "word_times"}),
            native_speeds=(_SLOWEST / _WORDS_PER_MINUTE, _FASTEST / _WORDS_PER_MINUTE),
            max_chars=_MAX_CHARS,
            reason=reason,
        )
        return Loaded(info, EspeakVoice24k(library, voices))

    return ClauseEngine(load, name="espeak", observer=observer)
