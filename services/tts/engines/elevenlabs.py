"""ElevenLabs' streaming speech with character times."""

import base64
import binascii
import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from services.tts.engines.base import (
    EngineInfo,
    SpeechChunk,
    SpeechRequest,
    Voice,
    WordTime,
)
from services.tts.engines.upstream import SpeechServer, UpstreamOptions
from shared.audio.pcm import Encoding, PcmDecoder
from shared.engine import Kind
from shared.errors import EngineUnavailable, NotFound, ParleyError, UpstreamFailed

_MAX_CHARS = 1000
_SLOWEST, _FASTEST = 0.7, 1.2
_FORMAT = {"output_format": "pcm_24000"}
_WORD = re.compile(r"\S+")
_MARKS = re.compile(r"^\W+|\W+$")


class ElevenLabsEngine:
    """A remote engine; its list of voices is asked for at the start."""

    def __init__(self, server: SpeechServer, options: UpstreamOptions) -> None:
        self._server = server
        self._options = options
        self._voices: tuple[Voice, ...] = ()

    @property
    def info(self) -> EngineInfo:
        """What it is; its voices are known once it is started."""
        return EngineInfo(
            name="elevenlabs",
            model=self._options.model,
            kind=Kind.REMOTE,
            capacity=self._options.capacity,
            languages=(),
            voices=self._voices,
            default_voice=self._voices[0].voice_id if self._voices else "",
            capabilities=frozenset({"speed", "emotion", "language", "word_times"}),
            native_speeds=(_SLOWEST, _FASTEST),
            max_chars=_MAX_CHARS,
            reason=self._options.reason,
        )

    async def start(self) -> None:
        """Get the list of voices.

        Raises:
            EngineUnavailable: it cannot be had, or has none of the voices in the settings.
        """
        try:
            listed = await self._server.get("v1/voices")
        except ParleyError as error:
            raise EngineUnavailable(f"{error.message}; see TTS_UPSTREAM_URL") from error
        rows = listed.get("voices", []) if isinstance(listed, Mapping) else []
        voices = [Voice(str(row["voice_id"]), str(row.get("name", "")), ()) for row in rows]
        wanted = self._options.voices
        self._voices = tuple(voice for voice in voices if not wanted or voice.voice_id in wanted)
        if not self._voices:
            raise EngineUnavailable("elevenlabs has no such voice; check TTS_UPSTREAM_VOICES")

    async def speak(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        """Speak; every line of the answer is a chunk with the times of its characters."""
        if request.voice_id not in {voice.voice_id for voice in self._voices}:
            raise NotFound(f"no voice {request.voice_id!r}", param="voice")
        decoder, alignment = PcmDecoder(Encoding.S16LE), Alignment(request.text)
        path = f"v1/text-to-speech/{request.voice_id}/stream/with-timestamps"
        async with self._server.stream(path, self._body(request), _FORMAT) as answer:
            async for line in answer.aiter_lines():
                if line:
                    audio, times = _parsed(line)
                    yield SpeechChunk(decoder.feed(audio), alignment.add(times))
        yield SpeechChunk(decoder.feed(b""), alignment.rest())

    def _body(self, request: SpeechRequest) -> dict[str, object]:
        body: dict[str, object] = {
            "text": request.text,
            "model_id": self._options.model,
            "voice_settings": {"speed": request.speed, "style": request.emotion},
        }
        if request.language:
            body["language_code"] = request.language.partition("-")[0].lower()
        return body

    async def forget(self, voice_id: str) -> None:
        """It has no voices of ours."""

    async def aclose(self) -> None:
        """Close the connections."""
        await self._server.aclose()


class Alignment:
    """Character times as they arrive, gathered into words."""

    def __init__(self, text: str) -> None:
        self._words = list(_WORD.finditer(text))
        self._starts: list[float] = []
        self._ends: list[float] = []

    def add(self, times: Sequence[tuple[float, float]]) -> tuple[WordTime, ...]:
        """The words that are whole now."""
        self._starts += [start for start, _ in times]
        self._ends += [end for _, end in times]
        return self._take(len(self._ends))

    def rest(self) -> tuple[WordTime, ...]:
        """The words that were cut off, if any character of theirs was spoken."""
        return self._take(len(self._ends) + max((len(m.group()) for m in self._words), default=0))

    def _take(self, known: int) -> tuple[WordTime, ...]:
        taken = []
        while self._words and self._words[0].end() <= known:
            match = self._words.pop(0)
            last = min(match.end(), len(self._ends)) - 1
            if match.start() <= last and (name := _MARKS.sub("", match.group())):
                start = match.start() + match.group().find(name)
                begin = self._starts[match.start()]
                taken.append(WordTime(name, begin, self._ends[last], start, start + len(name)))
        return tuple(taken)


def _parsed(line: str) -> tuple[bytes, list[tuple[float, float]]]:
    """One line: PCM and the start and end of each character of the text.

    Raises:
        UpstreamFailed: it is not what ElevenLabs documents.
    """
    try:
        message: dict[str, Any] = json.loads(line)
        audio = base64.b64decode(message.get("audio_base64") or "", validate=True)
        alignment = message.get("alignment") or {}
        starts = alignment.get("character_start_times_seconds", [])
        ends = alignment.get("character_end_times_seconds", [])
        return audio, [(float(a), float(b)) for a, b in zip(starts, ends, strict=True)]
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise UpstreamFailed("the speech server sent what is no chunk of speech") from error
