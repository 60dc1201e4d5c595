"""OpenAI's audio endpoints: transcriptions, translations, models."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from services.asr.engines.base import Engine, TranscribeOptions, Transcript
from services.asr.languages import space
from services.asr.pipeline.catalogue import Catalogue
from services.asr.pipeline.files import FileResult, FileTranscriber, Recording
from services.asr.routes.form import the_file, wishes
from services.asr.routes.formats import logprobs, response, usage
from services.asr.routes.leaving import unless_gone
from services.asr.routes.uploads import FileLimits, received
from shared.errors import NotFound, ParleyError
from shared.web.faults import body as error_body
from shared.web.warned import warn


class OpenAI:
    """The REST door for files."""

    def __init__(
        self,
        engine: Engine,
        transcriber: FileTranscriber,
        catalogue: Catalogue,
        limits: FileLimits,
    ) -> None:
        self._engine = engine
        self._transcriber = transcriber
        self._catalogue = catalogue
        self._limits = limits

    def routes(self) -> list[BaseRoute]:
        """For the service's router."""
        return [
            Route("/v1/audio/transcriptions", _Endpoint(self, translate=False), methods=["POST"]),
            Route("/v1/audio/translations", _Endpoint(self, translate=True), methods=["POST"]),
            Route("/v1/models", self.models),
            Route("/v1/models/{model:path}", self.model),
        ]

    async def models(self, _: Request) -> Response:
        """The loaded model, and the names that mean it."""
        return JSONResponse({"object": "list", "data": self._models()})

    async def model(self, request: Request) -> Response:
        """One of them."""
        name = request.path_params["model"]
        for known in self._models():
            if known["id"] == name:
                return JSONResponse(known)
        raise NotFound(f"unknown model `{name[:64]}`", param="model")

    async def answer(self, scope: Scope, receive: Receive, send: Send, *, translate: bool) -> None:
        """Read the upload, transcribe, answer whole or as server-sent events."""
        request = Request(scope, receive)
        async with received(request, self._limits.max_bytes) as form:
            wanted = wishes(form, self._engine.info, self._catalogue)
            owner = str(scope.get("state", {}).get("owner", ""))
            options = wanted.options(self._engine.info, owner, translate=translate)
            recording = Recording(the_file(form).file, options, self._limits.max_seconds)
            warnings = wanted.warnings(self._engine.info, self._catalogue)
            if wanted.stream:
                await unless_gone(receive, self._stream(recording, warnings, send))
                return
            result = await unless_gone(receive, self._transcriber.whole(recording))
            await response(result, wanted, options, warnings)(scope, receive, send)

    async def _stream(self, recording: Recording, warnings: Sequence[str], send: Send) -> None:
        """Send each window's text as it is ready; the first decides if there is an error."""
        async with aclosing(self._transcriber.parts(recording)) as parts:
            first = await anext(parts)
            head = Response(media_type="text/event-stream", headers={"cache-control": "no-cache"})
            del head.headers["content-length"]
            warn(head, warnings)
            await send({"type": "http.response.start", "status": 200, "headers": head.raw_headers})
            async for event in _events(first, parts, recording.options):
                data = f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
                await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _models(self) -> list[dict[str, Any]]:
        info = self._engine.info
        head = {"object": "model", "created": 0, "owned_by": "parley"}
        own = {"id": info.model, **head, "engine": info.name, "languages": list(info.languages)}
        aliases = sorted(self._catalogue.aliases - {info.model})
        return [own, *({"id": name, **head, "alias_of": info.model} for name in aliases)]


class _Endpoint:
    """An ASGI app, so that the answer is sent while the upload still exists."""

    def __init__(self, door: OpenAI, *, translate: bool) -> None:
        self._door = door
        self._translate = translate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._door.answer(scope, receive, send, translate=self._translate)


async def _events(
    first: FileResult, parts: AsyncIterator[FileResult], options: TranscribeOptions
) -> AsyncIterator[dict[str, Any]]:
    """Deltas that add up to the text of the last event, or an error in its place."""
    found: list[Transcript] = []
    last = first
    try:
        for event in _delta(first.transcript, found, options):
            yield event
        async for part in parts:
            last = part
            for event in _delta(part.transcript, found, options):
                yield event
    except ParleyError as error:
        yield error_body(error.code, error.message, error.http_status, error.param)
        return
    whole = Transcript.joined(found)
    done: dict[str, Any] = {"type": "transcript.text.done", "text": whole.text}
    if options.logprobs:
        done["logprobs"] = logprobs(whole)
    yield {**done, "usage": usage(last.seconds)}


def _delta(
    part: Transcript, found: list[Transcript], options: TranscribeOptions
) -> list[dict[str, Any]]:
    if not part.text:
        return []
    text = space(part.language) + part.text if found else part.text
    found.append(replace(part, warnings=()))
    event: dict[str, Any] = {
        "type": "transcript.text.delta",
        "delta": text,
        "seconds": round(part.segments[-1].end, 2),  # not OpenAI's: how far we are
    }
    if options.logprobs:
        event["logprobs"] = logprobs(part)
    return [event]
