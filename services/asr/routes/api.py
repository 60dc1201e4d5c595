"""What ``/openapi.json`` says of the ASR service's HTTP side."""

from shared.web import client_secrets
from shared.web.openapi import Operation, Schema

_ERRORS = (400, 401, 404, 413, 429, 503)
_FORM: dict[str, Schema] = {
    "multipart/form-data": {
        "type": "object",
        "required": ["file", "model"],
        "properties": {
            "file": {"type": "string", "format": "binary"},
            "model": {"type": "string"},
            "language": {"type": "string"},
            "languages[]": {"type": "array", "items": {"type": "string"}},
            "prompt": {"type": "string"},
            "keywords[]": {"type": "array", "items": {"type": "string"}},
            "response_format": {"enum": ["json", "text", "srt", "vtt", "verbose_json"]},
            "temperature": {"type": "number", "minimum": 0, "maximum": 1},
            "timestamp_granularities[]": {
                "type": "array",
                "items": {"enum": ["word", "segment"]},
            },
            "include[]": {"type": "array", "items": {"enum": ["logprobs"]}},
            "stream": {"type": "boolean"},
            "chunking_strategy": {"type": "string"},
        },
    }
}
_TEXTS: dict[str, Schema] = {
    "application/json": {"type": "object"},
    "text/plain": {"type": "string"},
    "text/vtt": {"type": "string"},
    "text/event-stream": {"type": "string"},
}

OPERATIONS = (
    Operation(
        "POST",
        "/v1/audio/transcriptions",
        "The text of a file, whole or as server-sent events",
        body=_FORM,
        answers=_TEXTS,
        errors=_ERRORS,
    ),
    Operation(
        "POST",
        "/v1/audio/translations",
        "The same in English",
        body=_FORM,
        answers=_TEXTS,
        errors=_ERRORS,
    ),
    Operation("GET", "/v1/models", "The loaded model, and the names that mean it"),
    Operation("GET", "/v1/models/{model}", "One of them", errors=(404,)),
    Operation(
        "POST",
        "/v1/jobs",
        "Files to be transcribed when there is time; several `file` parts",
        body=_FORM,
        status=202,
        errors=_ERRORS,
    ),
    Operation("GET", "/v1/jobs", "One's own jobs"),
    Operation("GET", "/v1/jobs/{id}", "A job with the results that are ready", errors=(404,)),
    Operation("DELETE", "/v1/jobs/{id}", "Stop and forget a job", errors=(404,)),
    client_secrets.OPERATION,
)
