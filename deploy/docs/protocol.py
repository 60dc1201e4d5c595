"""docs/protocol.md: every native message, from the classes that parse and write them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from deploy.docs.attributes import described, summary
from deploy.docs.schema import Schema, default, spelled
from deploy.docs.table import table
from shared import errors
from shared.protocol import asr, base, conversation, tts

HEAD = """\
# The native protocol

Generated from `shared/protocol` by `make docs`; do not edit.

JSON text frames carry a `type`; binary frames carry audio, little-endian. A field without a
default must be given. Unknown types and fields, malformed JSON, a wrong kind of frame and
over-long messages are answered with `error`, and the connection stays open unless it cannot be
recovered. Timestamps are seconds from the first sample of the stream. Either side may send
`ping {t}`; the other answers `pong {t}`. A peer that is silent for `PEER_TIMEOUT_S` in spite of
being asked is let go.
"""

SECTIONS = (
    ("ASR: `WS :8001/ws`", asr.AsrClientMessage, asr.AsrServerMessage),
    ("TTS: `WS :8002/ws`", tts.TtsClientMessage, tts.TtsServerMessage),
    (
        "Conversation: `WS :8000/ws/v2/{session_id}`",
        conversation.ConversationClientMessage,
        conversation.ConversationServerMessage,
    ),
)
EVERYWHERE: tuple[type[BaseModel], ...] = (
    base.Ping,
    base.Pong,
    base.WarningMessage,
    base.ErrorMessage,
)
BODIES: tuple[type[BaseModel], ...] = (conversation.CreateSession, conversation.SessionCreated)

MEANINGS = {
    "call_id": "Of one call of a tool.",
    "encoding": "Of the samples; µ-law and A-law have one byte each.",
    "environment": "Where the speaker is: a preset of how turns are heard.",
    "language": "ISO 639-1; null: detected, or the voice's own.",
    "request_id": "The request that it belongs to.",
    "sample_rate": "Hz.",
    "segment": "Counts the stream's turns from 0.",
    "session_id": "For logs and, in a conversation, for coming back.",
    "timestamp": "Seconds from the first sample of the stream.",
    "turn_id": "The turn that it belongs to.",
    "voice_id": "The voice's name, from `voices` or `/v1/audio/voices`.",
}
"""Fields that mean the same wherever they stand without words of their own."""


def document() -> str:
    """The whole page."""
    parts = [HEAD, "## On every socket\n"]
    parts += [_message(kind, f"`{_type_of(kind)}`") for kind in EVERYWHERE]
    for title, client, server in SECTIONS:
        parts.append(f"## {title}\n")
        parts += _direction("Client to server", client)
        parts += _direction("Server to client", server)
    parts.append("## Sessions: `POST :8000/v2/sessions`\n")
    parts += [_message(kind, kind.__name__) for kind in BODIES]
    parts.append("## Parts of messages\n")
    parts += [_part(name, schema, owner) for name, (schema, owner) in sorted(_shared().items())]
    parts += ["## Errors\n", _errors()]
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def _direction(title: str, union: Any) -> Iterator[str]:
    yield f"### {title}"
    for kind in _members(union):
        if kind in EVERYWHERE:
            continue
        yield _message(kind, f"`{_type_of(kind)}`")


def _members(union: Any) -> list[type[BaseModel]]:
    """The classes of `Annotated[A | B | …, discriminator]`."""
    return list(get_args(get_args(union)[0]))


def _type_of(kind: type[BaseModel]) -> str:
    return str(kind.model_fields["type"].default)


def _message(kind: type[BaseModel], title: str) -> str:
    schema = kind.model_json_schema()
    rows = _rows(schema, described(kind), schema.get("$defs", {}))
    text = f"#### {title}\n\n{summary(kind)}\n"
    return f"{text}\n{rows}" if rows else text


def _part(name: str, schema: Schema, kind: type[BaseModel]) -> str:
    rows = _rows(schema, described(kind), schema.get("$defs", {}))
    return f"### {name}\n\n{summary(kind)}\n\n{rows}"


def _rows(schema: Schema, texts: dict[str, str], definitions: dict[str, Schema]) -> str:
    required = schema.get("required", [])
    rows = [
        (
            f"`{name}`",
            spelled(value, definitions),
            "required" if name in required else default(value),
            texts.get(name) or MEANINGS.get(name, ""),
        )
        for name, value in schema.get("properties", {}).items()
        if name != "type"
    ]
    return table(("field", "value", "default", "meaning"), rows) if rows else ""


def _shared() -> dict[str, tuple[Schema, type[BaseModel]]]:
    """The models that stand inside messages, by name."""
    unions: list[Any] = [union for _, *directions in SECTIONS for union in directions]
    waiting = [*BODIES, *(kind for union in unions for kind in _members(union))]
    found: dict[str, tuple[Schema, type[BaseModel]]] = {}
    while waiting:
        for field in waiting.pop().model_fields.values():
            for kind in _models(field.annotation):
                if kind.__name__ not in found:
                    found[kind.__name__] = (kind.model_json_schema(), kind)
                    waiting.append(kind)
    return found


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _errors() -> str:
    rows = [
        (
            f"`{kind.code}`",
            str(kind.http_status),
            str(kind.close_code),
            "yes" if kind.retryable else "no",
            summary(kind),
        )
        for kind in _tree(errors.ParleyError)
    ]
    return table(("code", "HTTP status", "close code", "retryable", "meaning"), rows)


def _tree(kind: type[errors.ParleyError]) -> Iterator[type[errors.ParleyError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _tree(child)
