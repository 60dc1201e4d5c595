"""Deepgram's live streaming (Nova-3): one socket a turn, words as they are heard.

Source of the protocol: https://developers.deepgram.com/reference/speech-to-text/listen-streaming
"""

from urllib.parse import urlencode, urlsplit, urlunsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from services.asr.config import AsrSettings
from services.asr.engines.base import (
    EMPTY,
    SAMPLE_RATE,
    EngineInfo,
    Samples,
    TranscribeOptions,
    Transcript,
)
from services.asr.engines.deepgram_results import Results, whole_file
from services.asr.engines.deepgram_utterance import DeepgramUtterance
from services.asr.metrics import AsrMetrics
from shared.audio.wav import whole
from shared.clock import SystemClock
from shared.engine import Kind
from shared.errors import EngineUnavailable, UpstreamFailed
from shared.upstream import Upstream

URL = "https://api.deepgram.com/v1"
MODEL = "nova-3"
CAPACITY = 30


def load(settings: AsrSettings, metrics: AsrMetrics, *, reason: str) -> "DeepgramEngine":
    """Make it; a key is needed, and the first turn shows whether it is taken."""
    del metrics
    return DeepgramEngine(
        settings.upstream_url or URL,
        settings.upstream_key.get_secret_value(),
        MODEL if settings.model == "auto" else settings.model,
        timeout_s=settings.upstream_timeout_s,
        reason=reason,
    )


class DeepgramEngine:
    """A client of one server, shared by all connections."""

    def __init__(
        self, url: str, key: str, model: str, *, timeout_s: float = 30.0, reason: str = ""
    ) -> None:
        self.info = EngineInfo(
            name="deepgram",
            model=model,
            kind=Kind.REMOTE,
            capacity=CAPACITY,
            languages=(),
            capabilities=frozenset({"partials", "words", "prompt"}),
            reason=reason,
        )
        self._url = url.rstrip("/")
        self._key = key
        self._headers = {"Authorization": f"Token {key}"}
        self._http = httpx.AsyncClient(headers=self._headers, timeout=timeout_s)
        host = urlsplit(url).hostname or url
        self._upstream = Upstream(
            host,
            SystemClock(),
            at_once=CAPACITY,
            timeout_s=timeout_s,
            key_setting="ASR_UPSTREAM_KEY",
        )

    async def start(self) -> None:
        """See that there is a key.

        Raises:
            EngineUnavailable: there is none.
        """
        if not self._key:
            raise EngineUnavailable("deepgram needs a key; set ASR_UPSTREAM_KEY")

    def open(self, options: TranscribeOptions) -> DeepgramUtterance:
        """Begin a turn; its socket is opened with the first samples."""
        return DeepgramUtterance(lambda: self._connect(options), timeout_s=self._upstream.timeout_s)

    async def transcribe(self, samples: Samples, options: TranscribeOptions) -> Transcript:
        """The text of one window, over Deepgram's REST.

        Raises:
            UpstreamRefused, UpstreamLimited, UpstreamFailed, DeadlineExceeded,
            EngineUnavailable: see :class:`Upstream`.
        """
        if not len(samples):
            return EMPTY
        query = self._query(options)
        headers = {"Content-Type": "audio/wav"}
        async with self._upstream.call():
            answer = await self._http.post(
                f"{self._url}/listen?{query}", content=whole(samples, SAMPLE_RATE), headers=headers
            )
            if not answer.is_success:
                raise self._upstream.refused(answer.status_code, answer.headers)
            return whole_file(answer.content)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _query(self, options: TranscribeOptions) -> str:
        fields = [("model", self.info.model), ("smart_format", "false"), ("punctuate", "true")]
        fields.append(("language", options.language or "multi"))
        fields += [("keyterm", term) for term in (options.prompt or "").split(",") if term.strip()]
        return urlencode(fields)

    async def _connect(self, options: TranscribeOptions) -> ClientConnection:
        """An open live socket.

        Raises:
            UpstreamRefused, UpstreamLimited, UpstreamFailed, DeadlineExceeded,
            EngineUnavailable: see :class:`Upstream`.
        """
        live = {"encoding": "linear16", "sample_rate": SAMPLE_RATE, "channels": 1}
        query = f"{self._query(options)}&{urlencode(live)}&interim_results=true"
        scheme, host, path, _, _ = urlsplit(self._url)
        ws = urlunsplit(("wss" if scheme == "https" else "ws", host, path + "/listen", query, ""))
        async with self._upstream.call():
            try:
                return await connect(
                    ws,
                    additional_headers=self._headers,
                    open_timeout=None,
                    max_size=Results.MAX_BYTES,
                    proxy=None,
                )
            except InvalidStatus as error:
                status, headers = error.response.status_code, error.response.headers
                raise self._upstream.refused(status, headers) from error
            except InvalidHandshake as error:
                raise UpstreamFailed(f"{self._upstream.name}: {error}") from error
