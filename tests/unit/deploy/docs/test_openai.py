"""docs/openai.md, written by hand, names every field and event that the code knows."""

import re

import pytest

from deploy.locks.lock import ROOT
from services.asr.routes.form import Wishes
from services.tts.routes.openai import SpeechBody
from shared.protocol.realtime import AudioInput, TranscriptionClientEvent, TranscriptionOptions
from shared.web.warned import HEADER

PAGE = (ROOT / "docs/openai.md").read_text()
NAMED = {name for code in re.findall(r"`([^`\n]+)`", PAGE) for name in re.split(r"[ ,.:{}]", code)}
EVENTS = frozenset(re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", PAGE))
TRANSLATOR = (ROOT / "services/asr/pipeline/realtime.py").read_text()


@pytest.mark.parametrize("kind", [SpeechBody, Wishes, AudioInput, TranscriptionOptions])
def test_every_field_is_named(kind: type[SpeechBody]) -> None:
    assert set(kind.model_fields) <= NAMED


def test_every_event_of_a_client_is_named() -> None:
    kinds = TranscriptionClientEvent.__origin__.__args__  # type: ignore[attr-defined]
    assert {kind.model_fields["type"].default for kind in kinds} <= EVENTS


def test_every_event_of_the_service_is_named() -> None:
    told = set(re.findall(r'"((?:input_audio_buffer|conversation\.item)\.[a-z_]+)"', TRANSLATOR))
    assert len(told) > 4
    assert told - {"conversation.item.input_audio_transcription"} <= EVENTS
    prefix = "conversation.item.input_audio_transcription."
    assert {prefix + end for end in ("delta", "completed", "failed")} <= EVENTS


def test_the_header_is_named() -> None:
    assert HEADER in PAGE
