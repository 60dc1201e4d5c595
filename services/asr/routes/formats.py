"""A recording's text in each of OpenAI's formats."""

import math
from collections.abc import Sequence
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from services.asr.engines.base import Segment, TranscribeOptions, Transcript
from services.asr.languages import NAMES
from services.asr.pipeline.files import FileResult
from services.asr.pipeline.subtitles import srt, vtt
from services.asr.routes.form import ResponseFormat, Wishes
from shared.web.warned import warn

_MEDIA = {ResponseFormat.VTT: "text/vtt"}


def response(
    result: FileResult, wanted: Wishes, options: TranscribeOptions, warnings: Sequence[str] = ()
) -> Response:
    """The whole text as the client wants it; a header names what went less than well."""
    written = content(result, wanted, options)
    answer: Response
    if isinstance(written, str):
        answer = PlainTextResponse(written, media_type=_MEDIA.get(wanted.response_format))
    else:
        answer = JSONResponse(written)
    codes = [*warnings, *(code for code, _ in result.transcript.warnings)]
    warn(answer, codes + (["damaged_file"] if result.damaged else []))
    return answer


def content(result: FileResult, wanted: Wishes, options: TranscribeOptions) -> str | dict[str, Any]:
    """The same as a text or a JSON object."""
    transcript = result.transcript
    match wanted.response_format:
        case ResponseFormat.TEXT:
            return transcript.text + "\n"
        case ResponseFormat.SRT:
            return srt(transcript)
        case ResponseFormat.VTT:
            return vtt(transcript)
        case ResponseFormat.VERBOSE:
            return verbose(result, wanted, options)
        case ResponseFormat.JSON:
            return {
                "text": transcript.text,
                **({"logprobs": logprobs(transcript)} if options.logprobs else {}),
                "usage": usage(result.seconds),
            }


def verbose(result: FileResult, wanted: Wishes, options: TranscribeOptions) -> dict[str, Any]:
    """OpenAI's verbose_json."""
    transcript = result.transcript
    language = transcript.language or options.language or "en"
    body: dict[str, Any] = {
        "task": options.task,
        "language": NAMES.get(language, language),
        "duration": round(result.seconds, 3),
        "text": transcript.text,
    }
    if wanted.words:
        body["words"] = [
            {"word": word.word, "start": word.start, "end": word.end} for word in transcript.words
        ]
    if wanted.segments:
        body["segments"] = [_segment(i, found) for i, found in enumerate(transcript.segments)]
    return {**body, "usage": usage(result.seconds)}


def usage(seconds: float) -> dict[str, Any]:
    """What OpenAI would bill: the duration, in seconds begun."""
    return {"type": "duration", "seconds": math.ceil(seconds)}


def logprobs(transcript: Transcript) -> list[dict[str, Any]]:
    """One entry a token."""
    return [
        {"token": token, "logprob": value, "bytes": list(token.encode())}
        for token, value in transcript.token_logprobs
    ]


def _segment(index: int, found: Segment) -> dict[str, Any]:
    return {
        "id": index,
        "seek": round(found.start * 100),
        "start": found.start,
        "end": found.end,
        "text": found.text,
        "tokens": list(found.tokens),
        "temperature": found.temperature,
        "avg_logprob": found.avg_logprob,
        "compression_ratio": found.compression_ratio,
        "no_speech_prob": found.no_speech_prob,
    }
