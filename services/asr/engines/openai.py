"""Any server that speaks OpenAI's ``/v1/audio/transcriptions``: OpenAI, Groq, a peer.

It hears whole windows only and bills each of them, so there are no partials; a turn is
sent once, at its pause.
"""

import logging
from typing import Any

import httpx
import numpy as np

from services.asr.config import AsrSettings
from services.asr.engines.answers import BROKEN, moment
from services.asr.engines.base import (
    EMPTY,
    SAMPLE_RATE,
    EngineInfo,
    Samples,
    Segment,
    TranscribeOptions,
    Transcript,
    Word,
)
from services.asr.languages import code_of
from services.asr.metrics import AsrMetrics
from shared.audio.wav import whole
from shared.clock import SystemClock
from shared.engine import Kind
from shared.errors import EngineUnavailable, ParleyError, UpstreamFailed
from shared.upstream import Upstream

log = logging.getLogger(__name__)

URL = "https://api.openai.com/v1"
MODEL = "whisper-1"
CAPACITY = 30
AT_ONCE = 8
"""Requests under way; OpenAI-compatible servers queue the rest anyway."""


def load(settings: AsrSettings, metrics: AsrMetrics, *, reason: str) -> "OpenAIEngine":
    """Make it; ``start`` sees whether the server is there and takes the key."""
    del metrics
    return OpenAIEngine(
        settings.upstream_url or URL,
        settings.upstream_key.get_secret_value(),
        MODEL if settings.model == "auto" else settings.model,
        timeout_s=settings.upstream_timeout_s,
        reason=reason,
    )


class OpenAIEngine:
    """A client of one server, shared by all connections."""

    def __init__(
        self, url: str, key: str, model: str, *, timeout_s: float = 30.0, reason: str = ""
    ) -> None:
        self.info = EngineInfo(
            name="openai",
            model=model,
            kind=Kind.REMOTE,
            capacity=CAPACITY,
            languages=(),
            capabilities=frozenset(
                {"words", "prompt", "temperature", "detect_language", "translate"}
            ),
            reason=reason,
        )
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/") + "/", headers=headers, timeout=timeout_s
        )
        self._upstream = Upstream(
            httpx.URL(url).host,
            SystemClock(),
            at_once=AT_ONCE,
            timeout_s=timeout_s,
            key_setting="ASR_UPSTREAM_KEY",
        )
        self._verbose = True
        """Whether the server knows verbose_json; gpt-4o-transcribe does not."""

    async def start(self) -> None:
        """Ask for its models, so that a wrong address or key is told at once."""
        try:
            async with self._upstream.call():
                answer = await self._http.get("models")
        except ParleyError as error:
            await self._http.aclose()
            raise EngineUnavailable(f"{error.message}; set ASR_UPSTREAM_URL") from error
        if answer.status_code in (401, 403):
            await self._http.aclose()
            raise EngineUnavailable(self._refusal(answer).message)

    def open(self, options: TranscribeOptions) -> "OpenAIUtterance":
        """Begin a turn."""
        return OpenAIUtterance(self, options)

    async def transcribe(self, samples: Samples, options: TranscribeOptions) -> Transcript:
        """The text of one window.

        Raises:
            UpstreamRefused, UpstreamLimited, UpstreamFailed, DeadlineExceeded,
            EngineUnavailable: see :class:`Upstream`.
        """
        if not len(samples):
            return EMPTY
        async with self._upstream.call():
            answer = await self._post(samples, options)
            if answer.status_code == 400 and self._verbose and "response_format" in answer.text:
                log.info("the server knows no verbose_json: no word times")
                self._verbose = False
                answer = await self._post(samples, options)
            if not answer.is_success:
                raise self._refusal(answer)
            return _transcript(answer)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _post(self, samples: Samples, options: TranscribeOptions) -> httpx.Response:
        path = "audio/translations" if options.task == "translate" else "audio/transcriptions"
        fields: dict[str, Any] = {
            "model": self.info.model,
            "response_format": "verbose_json" if self._verbose else "json",
        }
        if self._verbose:
            fields["timestamp_granularities[]"] = ["word", "segment"]
        if options.language and options.task == "transcribe":
            fields["language"] = options.language
        if options.prompt:
            fields["prompt"] = options.prompt
        if options.temperature:
            fields["temperature"] = str(options.temperature)
        upload = {"file": ("audio.wav", whole(samples, SAMPLE_RATE), "audio/wav")}
        return await self._http.post(path, data=fields, files=upload)

    def _refusal(self, answer: httpx.Response) -> ParleyError:
        return self._upstream.refused(answer.status_code, answer.headers, _message(answer))


class OpenAIUtterance:
    """One turn: gathered here, sent whole."""

    def __init__(self, engine: OpenAIEngine, options: TranscribeOptions) -> None:
        self._engine = engine
        self._options = options
        self._kept = np.zeros(0, np.float32)
        self._first = 0
        self._final: Transcript | None = None

    def feed(self, samples: Samples) -> None:
        """Add what was heard next."""
        self._kept = np.concatenate([self._kept, samples])
        self._final = None

    async def partial(self) -> Transcript | None:
        """Nothing: every question is billed."""
        return None

    async def final(self) -> Transcript:
        """The text of the turn; asked of the server once for the same samples."""
        if self._final is None:
            found = await self._engine.transcribe(self._kept, self._options)
            self._final = found.shifted(self._first / SAMPLE_RATE)
        return self._final

    def settle(self, until: float) -> None:
        """Forget the audio before ``until`` seconds."""
        at = min(round(until * SAMPLE_RATE), self._first + len(self._kept))
        if at > self._first:
            self._kept, self._first, self._final = self._kept[at - self._first :], at, None

    async def aclose(self) -> None:
        """Drop the samples."""
        self._kept = self._kept[:0]


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except BROKEN:
        return ""


def _transcript(answer: httpx.Response) -> Transcript:
    """Raises: UpstreamFailed when it is not what the protocol says."""
    try:
        body = answer.json()
        words = tuple(
            Word(str(each["word"]).strip(), moment(each["start"]), moment(each["end"]), 0.0)
            for each in body.get("words") or ()
        )
        segments = tuple(_segment(each) for each in body.get("segments") or ())
        text = body["text"].strip()
        logprobs = [segment.avg_logprob for segment in segments if segment.avg_logprob]
        language = code_of(body.get("language"))
    except BROKEN as error:
        raise UpstreamFailed(f"an answer that is no transcription: {error}") from error
    confidence = float(np.exp(np.mean(logprobs))) if logprobs else 0.0
    return Transcript(
        text=text,
        words=tuple(Word(each.word, each.start, each.end, confidence) for each in words),
        language=language,
        confidence=confidence,
        segments=segments,
    )


def _segment(each: dict[str, Any]) -> Segment:
    return Segment(
        start=moment(each["start"]),
        end=moment(each["end"]),
        text=each["text"].strip(),
        tokens=tuple(each.get("tokens") or ()),
        temperature=moment(each.get("temperature") or 0.0),
        avg_logprob=min(moment(each.get("avg_logprob") or 0.0), 0.0),
        compression_ratio=moment(each.get("compression_ratio") or 1.0),
        no_speech_prob=moment(each.get("no_speech_prob") or 0.0),
    )
