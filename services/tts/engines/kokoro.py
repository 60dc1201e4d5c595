"""Kokoro-82M through kokoro-onnx: natural speech on a CPU, at a fixed cost a clause."""

import logging
import re
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import kokoro_onnx
import numpy as np
import onnxruntime

from services.tts.engines.base import (
    SAMPLE_RATE,
    EngineInfo,
    SpeechChunk,
    SpeechRequest,
    Voice,
    WordTime,
)
from services.tts.engines.clausewise import ClauseEngine, Loaded
from services.tts.engines.kokoro_weights import Weights
from services.tts.engines.spread import spread
from shared.engine import Kind
from shared.errors import EngineFailed, EngineUnavailable, InvalidRequest, NotFound
from shared.scheduling.metrics import Observer

_SLOWEST, _FASTEST = 0.5, 2.0
_MAX_CHARS = 200
"""The model takes 510 phonemes; figures that are spelt out cost the most."""
_REQUESTS_PER_THREAD = 4
"""A thread of a recent core speaks about four times faster than real time."""
_DEFAULT_VOICE = "af_heart"
_LANGUAGES = {
    "a": ("en", "en-us"),
    "b": ("en", "en-gb"),
    "e": ("es", "es"),
    "f": ("fr", "fr-fr"),
    "h": ("hi", "hi"),
    "i": ("it", "it"),
    "j": ("ja", "ja"),
    "p": ("pt", "pt-br"),
    "z": ("zh", "cmn"),
}
"""First letter of a voice's name: ISO 639-1, and what espeak-ng calls it."""
_WORD = re.compile(r"\S+")


class KokoroVoice:
    """The model behind the clause seam."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def say(self, request: SpeechRequest, wanted: Callable[[], bool]) -> SpeechChunk:
        """Speak the request whole.

        Raises:
            NotFound: no such voice. InvalidRequest: no such language.
        """
        if request.voice_id not in self._model.voices:
            raise NotFound(f"no voice {request.voice_id!r}", param="voice")
        language = spoken_language(request.voice_id, request.language)
        if not wanted() or not self._model.tokenizer.phonemize(request.text, language):
            return SpeechChunk(np.zeros(0, np.float32))
        try:
            audio, rate, timings = self._model.create_timed(
                request.text,
                request.voice_id,
                min(max(request.speed, _SLOWEST), _FASTEST),
                language,
            )
        except ValueError as error:
            raise EngineFailed(f"kokoro cannot speak this text: {type(error).__name__}") from error
        if rate != SAMPLE_RATE:
            raise EngineFailed(f"kokoro speaks at {rate} Hz, not {SAMPLE_RATE}")
        samples = np.clip(np.nan_to_num(audio), -1.0, 1.0).astype(np.float32)
        return SpeechChunk(samples, _words(request.text, timings, len(samples) / rate))

    def close(self) -> None:
        """Let the weights go."""
        self._model = None


def spoken_language(voice_id: str, language: str | None) -> str:
    """What espeak-ng, which finds the phonemes, calls the language to be spoken.

    Raises:
        InvalidRequest: Kokoro was not trained on it.
    """
    own, name = _LANGUAGES.get(voice_id[:1], ("en", "en-us"))
    if language is None or language.lower().partition("-")[0] == own:
        return name
    for short, spoken in _LANGUAGES.values():
        if language.lower().partition("-")[0] == short:
            return spoken
    raise InvalidRequest(f"kokoro speaks no {language!r}", param="language")


def _words(text: str, timings: Sequence[Any], seconds: float) -> tuple[WordTime, ...]:
    """Told by the model where its graph has durations and the words match; else estimated."""
    groups = [
        tuple(group) for blank, group in groupby(timings, lambda t: t.phoneme == " ") if not blank
    ]
    matches = [match for match in _WORD.finditer(text) if re.search(r"\w", match.group())]
    if not groups or len(groups) != len(matches):
        return spread(text, seconds)
    return tuple(
        WordTime(match.group(), group[0].start, group[-1].end, match.start(), match.end())
        for match, group in zip(matches, groups, strict=True)
    )


def load_model(model: Path, voices: Path, threads: int) -> Any:
    """The model on the CPU, with a bounded number of threads.

    Raises:
        EngineUnavailable: the files are not what they should be.
    """
    for talkative in ("kokoro_onnx", "phonemizer"):  # they would log what is spoken
        logging.getLogger(talkative).setLevel(logging.ERROR)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        return kokoro_onnx.Kokoro.from_session(session, str(voices))
    except Exception as error:  # onnxruntime and numpy raise classes of their own for bad files
        raise EngineUnavailable(
            f"kokoro cannot load {model.name}, {voices.name}: {error}"
        ) from error


def kokoro_engine(
    weights: Weights, *, threads: int, reason: str = "", observer: Observer | None = None
) -> ClauseEngine:
    """Kokoro behind the engine seam; weights that are not there are downloaded at the start."""

    def load() -> Loaded:
        model_path, voices_path = weights.get()
        model = load_model(model_path, voices_path, threads)
        return Loaded(_info(model, model_path, threads, reason), KokoroVoice(model))

    return ClauseEngine(load, name="kokoro", observer=observer)


def _info(model: Any, path: Path, threads: int, reason: str) -> EngineInfo:
    names = sorted(model.voices.keys())
    voices = tuple(
        Voice(name, name.partition("_")[2].title() or name, (_LANGUAGES.get(name[:1], ("en",))[0],))
        for name in names
    )
    if not voices:
        raise EngineUnavailable("kokoro's voices file holds no voice")
    return EngineInfo(
        name="kokoro",
        model=path.stem,
        kind=Kind.STREAMING,
        capacity=_REQUESTS_PER_THREAD * threads,
        languages=tuple(sorted({language for language, _ in _LANGUAGES.values()})),
        voices=voices,
        default_voice=_DEFAULT_VOICE if _DEFAULT_VOICE in names else names[0],
        capabilities=frozenset(
            {"speed", "language"} | ({"word_times"} if model.has_timings else set())
        ),
        native_speeds=(_SLOWEST, _FASTEST),
        max_chars=_MAX_CHARS,
        reason=reason,
    )
