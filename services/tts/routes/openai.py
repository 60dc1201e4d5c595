"""OpenAI's speech REST: `POST /v1/audio/speech` and `GET /v1/models`."""

import secrets
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.tts.pipeline.playout import Allowance
from services.tts.pipeline.utterance import Options, Utterance
from services.tts.routes.speaking import Speaking
from services.tts.routes.streamed import SpeechResponse
from shared.audio.encode import Format
from shared.errors import NotFound
from shared.web.body import limited_body, parse
from shared.web.warned import warn

_MAX_BODY_BYTES = 8 * 1024 * 1024
_UNSENT_CHUNK = 12
"""Tokens (0.48 s) in a piece: what one write to the client carries."""


class VoiceById(BaseModel):
    """OpenAI's other way to name a voice."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(min_length=1, max_length=128)


class SpeechBody(BaseModel):
    """The request; fields that OpenAI adds one day are ignored, and logged by name."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    input: str
    model: str = "default"
    voice: str | VoiceById = "default"
    instructions: str | None = Field(default=None, max_length=4096)
    response_format: Format = Format.MP3
    speed: float = Field(default=1.0, ge=0.25, le=4.0)
    stream_format: Literal["audio", "sse"] = "audio"
    language: str | None = None
    """Not OpenAI's: the text's language."""

    @property
    def voice_name(self) -> str:
        """The voice, however it was named."""
        return self.voice if isinstance(self.voice, str) else self.voice.id


class OpenAiRoutes:
    """The endpoints."""

    def __init__(self, speaking: Speaking) -> None:
        self._speaking = speaking

    async def speech(self, request: Request) -> Response:
        """Speak a text; the audio is streamed as it is made."""
        body = parse(SpeechBody, await limited_body(request, _MAX_BODY_BYTES))
        speaking = self._speaking
        substituted = speaking.catalogue.substitution(body.model)
        voice = await speaking.voice(body.voice_name, request.state.owner)
        info = speaking.engine.info
        options = Options(
            voice=voice,
            language=body.language,
            speed=body.speed,
            chunk_size=_UNSENT_CHUNK,
            instructions=body.instructions,
        )
        utterance = Utterance(
            request.state.request_id,
            options.within(info),
            longest=info.max_chars,
            most_text=speaking.settings.max_text_chars,
        )
        utterance.whole(body.input, param="input")
        reply = speaking.reply(
            utterance,
            connection=secrets.token_hex(8),
            allowance=Allowance(speaking.settings.unsent_s),
        )
        answer = SpeechResponse(
            reply, speaking, wanted=body.response_format, sse=body.stream_format == "sse"
        )
        codes = [f"unsupported_option={name}" for name in options.lacking(info)]
        warn(answer, ["model_substituted", *codes] if substituted else codes)
        return answer

    async def models(self, request: Request) -> Response:
        """Every model name that is understood here; `root` is what it means."""
        del request
        return JSONResponse({"object": "list", "data": self._models()})

    async def model(self, request: Request) -> Response:
        """One of them."""
        name = request.path_params["name"]
        for row in self._models():
            if row["id"] == name:
                return JSONResponse(row)
        raise NotFound(f"no model {name[:64]!r}; see /v1/models", param="model")

    def _models(self) -> list[dict[str, object]]:
        return [
            {"id": name, "object": "model", "created": 0, "owned_by": "parley", "root": root}
            for name, root in self._speaking.catalogue.models().items()
        ]
