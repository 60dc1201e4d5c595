"""What a replica that died left open in a session's log, and how it is closed."""

import json
from collections.abc import Iterable
from typing import Any

from shared.protocol.base import Message
from shared.protocol.conversation import AudioClear, ReplyDone, StateEvent

_IDLE = StateEvent(value="idle")


def unfinished(events: Iterable[str]) -> list[Message]:
    """The events that end what the log shows begun and not ended.

    Args:
        events: JSON texts, oldest first.

    Returns:
        ``audio.clear`` for audio that never ended, ``reply.done`` for a reply that never did:
        nobody knows how much of it was heard. ``state`` if the last one was not idle: a new
        conversation is.
    """
    turn_id, text, sounding, state = None, "", False, _IDLE.value
    for event in map(json.loads, events):
        match event:
            case {"type": "transcript", "turn_id": begun}:
                turn_id, text, sounding = begun, "", False
            case {"type": "reply.delta", "text": more}:
                text += more
            case {"type": "audio.start"}:
                sounding = True
            case {"type": "audio.end" | "audio.clear"}:
                sounding = False
            case {"type": "reply.done"}:
                turn_id = None
            case {"type": "state", "value": value}:
                state = value
    return [*_ending(turn_id, text, sounding), *([] if state == _IDLE.value else [_IDLE])]


def _ending(turn_id: Any, text: str, sounding: bool) -> list[Message]:
    if turn_id is None:
        return []
    done = ReplyDone(turn_id=turn_id, text=text, interrupted=True)
    return [AudioClear(turn_id=turn_id), done] if sounding else [done]
