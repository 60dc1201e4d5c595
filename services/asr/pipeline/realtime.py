"""OpenAI's Realtime transcription, told in terms of our own session. Sans-I/O.

Two rules that others break hold here: a transcript's deltas only ever grow, made of the
words that two hypotheses in a row agree on; and ``completed`` is authoritative.
"""

import math
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from services.asr.pipeline.hints import bias, certain
from shared.errors import InvalidRequest
from shared.protocol.asr import Config, Final, Partial, SpeechStart, TurnEnd, VadOverrides
from shared.protocol.base import ErrorMessage, Message
from shared.protocol.realtime import (
    Pcm,
    Pcma,
    SemanticVad,
    ServerVad,
    TranscriptionOptions,
    TranscriptionSession,
    strangers,
)

Event = dict[str, Any]

_PATIENCE_MS = {"low": 8000, "medium": 4000, "auto": 4000, "high": 2000}
"""OpenAI's longest waits of semantic_vad."""
_TRANSCRIPTION = "conversation.item.input_audio_transcription"


class RealtimeSession:
    """The settings of one connection, as the client sees them."""

    def __init__(self, session_id: str, values: Mapping[str, Any]) -> None:
        self.id = session_id
        self._values = values
        self.settings = TranscriptionSession.model_validate(values)

    @classmethod
    def begin(cls, session_id: str, model: str) -> "RealtimeSession":
        """With OpenAI's defaults."""
        values = TranscriptionSession().model_dump(mode="json")
        values["audio"]["input"]["transcription"]["model"] = model
        return cls(session_id, values)

    @property
    def ignored(self) -> frozenset[str]:
        """Fields that the client gave and that mean nothing here."""
        return frozenset(strangers(self.settings, self._values))

    @property
    def manual(self) -> bool:
        """Whether the client ends its turns itself."""
        return self.settings.audio.input.turn_detection is None

    @property
    def model(self) -> str | None:
        """The name that the client asks for."""
        transcription = self.settings.audio.input.transcription
        return transcription.model if transcription else None

    def changed(self, changes: Mapping[str, Any]) -> "RealtimeSession":
        """The session with the fields that the client gives.

        Raises:
            InvalidRequest: a bad value, or another type of session.
        """
        try:
            session = RealtimeSession(self.id, _merged(self._values, changes))
            session.config()
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = ".".join(["session", *(str(part) for part in first["loc"])])
            raise InvalidRequest(f"`{name}`: {first['msg']}", param=name) from None
        return session

    def config(self) -> Config:
        """The settings as a config of the native protocol."""
        given = self.settings.audio.input
        wished = given.transcription or TranscriptionOptions()
        encoding = {Pcm: "s16le", Pcma: "alaw"}.get(type(given.format), "mulaw")
        return Config.model_validate(
            {
                "sample_rate": 24_000 if encoding == "s16le" else 8_000,
                "encoding": encoding,
                "language": certain(wished.language, wished.languages or ()),
                "prompt": bias(wished.prompt, wished.keywords or ()),
                "vad": _vad(given.turn_detection),
            }
        )

    def described(self) -> Event:
        """The session object of ``session.created`` and ``session.updated``."""
        return {
            "id": self.id,
            "object": "realtime.transcription_session",
            **self.settings.model_dump(mode="json"),
        }


class Translator:
    """Our session's messages as Realtime events; one item a turn."""

    def __init__(self, *, name: Callable[[], str] | None = None) -> None:
        self._name = name or (lambda: secrets.token_hex(10))
        self._items: dict[int | None, str] = {}
        self._said: dict[int | None, str] = {}
        self._previous: str | None = None
        self._error: ErrorMessage | None = None
        self.manual = False
        """Whether the client ends its turns: then nobody is told of speech."""

    def told(self, message: Message) -> list[Event]:
        """The events that a message stands for; warnings have none."""
        match message:
            case SpeechStart():
                return self._started(message)
            case Partial():
                return self._heard(message)
            case TurnEnd():
                return self._ended(message)
            case Final():
                return self._completed(message)
            case ErrorMessage():
                self._error = message
        return []

    def _started(self, message: SpeechStart) -> list[Event]:
        if message.segment in self._items:
            return []  # after a pause within the turn
        self._items.clear()  # of turns that were dropped: all before has its final
        self._said.clear()
        item_id = self._item(message.segment)
        if self.manual:
            return []
        at = round(message.timestamp * 1000)
        return [
            {"type": "input_audio_buffer.speech_started", "audio_start_ms": at, "item_id": item_id}
        ]

    def _heard(self, message: Partial) -> list[Event]:
        before = self._said.get(message.segment, "")
        if len(message.stable) <= len(before) or not message.stable.startswith(before):
            return []
        self._said[message.segment] = message.stable
        return [self._delta(message.segment, message.stable[len(before) :])]

    def _ended(self, message: TurnEnd) -> list[Event]:
        item_id, previous = self._item(message.segment), self._previous
        self._previous = item_id
        item = {
            "id": item_id,
            "object": "realtime.item",
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        at = round(message.timestamp * 1000)
        stopped = {
            "type": "input_audio_buffer.speech_stopped", "audio_end_ms": at, "item_id": item_id
        }  # fmt: skip
        added = {"item": item, "previous_item_id": previous}
        return [
            *([] if self.manual else [stopped]),
            {
                "type": "input_audio_buffer.committed",
                "item_id": item_id,
                "previous_item_id": previous,
            },
            {"type": "conversation.item.added", **added},
            {"type": "conversation.item.done", **added},
        ]

    def _completed(self, message: Final) -> list[Event]:
        item_id = self._item(message.segment)
        said = self._said.pop(message.segment, "")
        head = {"item_id": item_id, "content_index": 0}
        error, self._error = self._error, None
        if error is not None and not message.text:
            del self._items[message.segment]
            told = {"type": "server_error", "code": error.code, "message": error.message}
            return [{"type": f"{_TRANSCRIPTION}.failed", **head, "error": told}]
        events: list[Event] = []
        if message.text.startswith(said) and len(message.text) > len(said):
            events.append(self._delta(message.segment, message.text[len(said) :]))
        del self._items[message.segment]
        seconds = math.ceil((message.end - message.start) * 10) / 10
        usage = {"type": "duration", "seconds": seconds}
        done = {"type": f"{_TRANSCRIPTION}.completed", **head, "transcript": message.text}
        return [*events, {**done, "usage": usage}]

    def _delta(self, segment: int | None, text: str) -> Event:
        item_id = self._item(segment)
        kind = f"{_TRANSCRIPTION}.delta"
        return {"type": kind, "item_id": item_id, "content_index": 0, "delta": text}

    def _item(self, segment: int | None) -> str:
        return self._items.setdefault(segment, f"item_{self._name()}")


def _vad(given: ServerVad | SemanticVad | None) -> Event:
    """All overrides, so that none of the setting before stays."""
    match given:
        case ServerVad():
            changes: Event = {
                "threshold": given.threshold,
                "prefix_padding_ms": given.prefix_padding_ms,
                "silence_ms": given.silence_duration_ms,
                "semantic": False,
            }
        case SemanticVad():
            changes = {"silence_ms": _PATIENCE_MS[given.eagerness]}
        case None:
            changes = {"enabled": False}
    return VadOverrides().model_dump() | changes


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Objects are merged field by field, except that another ``type`` begins anew."""
    out = dict(values)
    for name, change in changes.items():
        old = out.get(name)
        out[name] = change
        if isinstance(old, Mapping) and isinstance(change, Mapping):
            same = change.get("type", old.get("type")) == old.get("type")
            out[name] = _merged(old, change) if same else change
    return out
