"""Voices over HTTP: `GET`, `POST` and `DELETE /v1/audio/voices`; and their lists on both wires."""

import base64
import binascii
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message

from services.tts.routes.speaking import Speaking
from services.tts.voices.record import VoiceRecord
from services.tts.voices.registration import Registration
from shared.errors import InvalidRequest
from shared.protocol import tts as wire
from shared.web.body import limited_body, parse

_MAX_BODY_BYTES = 32 * 1024 * 1024
_FILE_FIELDS = ("reference_audio", "audio_sample", "file")
_ID_FIELDS = ("voice_id", "id", "name")
_YES = frozenset({"true", "1", "yes", "on"})


class VoiceBody(BaseModel):
    """A registration as JSON; as `multipart/form-data` the recording is a file."""

    model_config = ConfigDict(frozen=True, extra="allow")

    voice_id: str = Field(min_length=1, max_length=128)
    reference_audio: str
    """Base64 of an audio file, 5 to 20 s of speech."""
    consent: bool = False
    """That the speaker agreed."""
    replace: bool = False
    name: str | None = Field(default=None, max_length=128)
    language: str | None = Field(default=None, max_length=35)


class VoiceRoutes:
    """The endpoints."""

    def __init__(self, speaking: Speaking) -> None:
        self._speaking = speaking

    async def list(self, request: Request) -> Response:
        """The engine's voices, the caller's own, and the aliases with what they stand for."""
        catalogue = self._speaking.catalogue
        engine = [
            {"id": voice.voice_id, "name": voice.name, "languages": list(voice.languages)}
            for voice in catalogue.voices()
        ]
        cloned = [_row(record) for record in self._speaking.voices.listed(request.state.owner)]
        aliases = [
            {"id": alias, "name": alias, "alias_of": target}
            for alias, target in catalogue.voice_aliases().items()
        ]
        rows = engine + cloned + aliases
        return JSONResponse(
            {"object": "list", "data": rows, "default": catalogue.info.default_voice}
        )

    async def register(self, request: Request) -> Response:
        """Make a voice from a recording."""
        data = await limited_body(request, _MAX_BODY_BYTES)
        kind = request.headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            wanted = await _from_form(request, data)
        else:
            wanted = from_message(parse(VoiceBody, data))
        record = await self._speaking.register(wanted, request.state.owner)
        return JSONResponse(_row(record), 201)

    async def delete(self, request: Request) -> Response:
        """Forget a voice everywhere."""
        voice_id = request.path_params["voice_id"]
        await self._speaking.voices.delete(voice_id, request.state.owner)
        return JSONResponse({"id": voice_id, "object": "audio.voice", "deleted": True})


def from_message(message: VoiceBody | wire.RegisterVoice) -> Registration:
    """A registration as JSON carries it.

    Raises:
        InvalidRequest: the recording is no base64.
    """
    try:
        recording = base64.b64decode(message.reference_audio, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("reference_audio is not base64", param="reference_audio") from None
    return Registration(
        voice_id=message.voice_id,
        recording=recording,
        consent=message.consent,
        replace=message.replace,
        name=message.name,
        language=message.language,
    )


def listed(speaking: Speaking, owner: str) -> wire.Voices:
    """The answer to `list_voices`."""
    catalogue = speaking.catalogue
    names = {voice.voice_id: voice for voice in catalogue.voices()}
    own = [
        wire.VoiceMessage(voice_id=voice.voice_id, name=voice.name, languages=voice.languages)
        for voice in names.values()
    ]
    cloned = [
        wire.VoiceMessage(
            voice_id=record.voice_id,
            name=record.name,
            languages=(record.language,) if record.language else (),
            cloned=True,
        )
        for record in speaking.voices.listed(owner)
    ]
    aliases = [
        wire.VoiceMessage(
            voice_id=alias, name=alias, languages=names[target].languages, alias_of=target
        )
        for alias, target in catalogue.voice_aliases().items()
        if target in names
    ]
    return wire.Voices(voices=(*own, *cloned, *aliases), default=catalogue.info.default_voice)


def _row(record: VoiceRecord) -> dict[str, Any]:
    return {
        "id": record.voice_id,
        "object": "audio.voice",
        "name": record.name,
        "languages": [record.language] if record.language else [],
        "cloned": True,
        "duration_s": record.duration_s,
        "created_at": int(record.created_at),
    }


async def _from_form(request: Request, data: bytes) -> Registration:
    async def replay() -> Message:
        return {"type": "http.request", "body": data, "more_body": False}

    async with Request(request.scope, replay).form(max_files=1, max_fields=16) as form:
        recording = await _file(form)
        return Registration(
            voice_id=_text(form, *_ID_FIELDS) or "",
            recording=recording,
            consent=(_text(form, "consent") or "").lower() in _YES,
            replace=(_text(form, "replace") or "").lower() in _YES,
            name=_text(form, "name"),
            language=_text(form, "language"),
        )


async def _file(form: FormData) -> bytes:
    for name in _FILE_FIELDS:
        part = form.get(name)
        if isinstance(part, UploadFile):
            return await part.read()
    raise InvalidRequest("send the recording as the file `reference_audio`", param=_FILE_FIELDS[0])


def _text(form: FormData, *names: str) -> str | None:
    for name in names:
        part = form.get(name)
        if isinstance(part, str) and part:
            return part
    return None
