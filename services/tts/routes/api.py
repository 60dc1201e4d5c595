"""The HTTP side as `/openapi.json` tells it."""

from services.tts.routes.openai import SpeechBody
from services.tts.routes.voices import VoiceBody
from shared.audio.encode import Format
from shared.web import client_secrets
from shared.web.openapi import BINARY, Operation

OPERATIONS = (
    Operation(
        "POST",
        "/v1/audio/speech",
        "Speak a text; the audio is streamed as it is made",
        body={"application/json": SpeechBody},
        answers={
            **{wanted.media_type: BINARY for wanted in Format},
            "text/event-stream": {"type": "string"},
        },
        errors=(400, 401, 404, 413, 429, 503),
    ),
    Operation("GET", "/v1/audio/voices", "Voices, and the aliases with what they stand for"),
    Operation(
        "POST",
        "/v1/audio/voices",
        "Register a voice from 5 to 20 s of speech; also as multipart/form-data",
        body={"application/json": VoiceBody},
        status=201,
        errors=(400, 401, 409, 413, 503),
    ),
    Operation("DELETE", "/v1/audio/voices/{voice_id}", "Forget a voice everywhere", errors=(404,)),
    Operation("GET", "/v1/models", "Model names that are understood here"),
    Operation("GET", "/v1/models/{name}", "One of them", errors=(404,)),
    client_secrets.OPERATION,
)
