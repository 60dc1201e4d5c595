"""Every message survives the wire; the seeds' examples are part of the protocol for ever."""

import json
import typing
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from shared.protocol import asr, conversation, tts
from shared.protocol.base import parse

ADAPTERS: dict[str, TypeAdapter[Any]] = {
    "asr client": asr.ASR_CLIENT,
    "asr server": asr.ASR_SERVER,
    "tts client": tts.TTS_CLIENT,
    "tts server": tts.TTS_SERVER,
    "conversation client": conversation.CONVERSATION_CLIENT,
    "conversation server": conversation.CONVERSATION_SERVER,
}
UNIONS = {
    "asr client": asr.AsrClientMessage,
    "asr server": asr.AsrServerMessage,
    "tts client": tts.TtsClientMessage,
    "tts server": tts.TtsServerMessage,
    "conversation client": conversation.ConversationClientMessage,
    "conversation server": conversation.ConversationServerMessage,
}


def classes(union: Any) -> tuple[type[BaseModel], ...]:
    return typing.get_args(typing.get_args(union)[0])


CASES = [(name, kind) for name, union in UNIONS.items() for kind in classes(union)]


def example(annotation: Any) -> Any:
    """A value that fits."""
    options = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return options[0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return filled(annotation)
    simple = {str: "text", int: 5, float: 0.5, bool: True, typing.Any: {"a": 1}}
    if annotation in simple:
        return simple[annotation]
    if typing.get_origin(annotation) is dict:
        return {"key": "value"}
    if typing.get_origin(annotation) is tuple:
        return [example(options[0])]
    if hasattr(annotation, "__members__"):
        return next(iter(annotation))
    return example(next(option for option in options if option is not type(None)))


def filled(kind: type[BaseModel]) -> dict[str, Any]:
    return {
        name: field.default if name == "type" else _fitting(name, field.annotation)
        for name, field in kind.model_fields.items()
    }


def _fitting(name: str, annotation: Any) -> Any:
    special = {
        "sample_rate": 16_000,
        "prefix_padding_ms": 100,
        "silence_ms": 800,
        "judge_again_ms": 300,
    }
    return special[name] if name in special else example(annotation)


@pytest.mark.parametrize(
    ("name", "kind"), CASES, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_full_message_comes_back_as_it_went(name: str, kind: type[BaseModel]) -> None:
    message = kind.model_validate(filled(kind))
    again = parse(ADAPTERS[name], message.model_dump_json(exclude_none=True))
    assert again == message
    assert type(again) is kind


@pytest.mark.parametrize("name", UNIONS)
def test_no_two_messages_of_a_direction_share_a_type(name: str) -> None:
    types = [kind.model_fields["type"].default for kind in classes(UNIONS[name])]
    assert len(types) == len(set(types))


GOLDEN = [
    ("asr client", '{"type":"config","sample_rate":16000,"language":"en","model":"large-v3"}'),
    ("asr server", '{"type":"partial","text":"Hello world","confidence":0.95,"timestamp":1.234}'),
    (
        "asr server",
        '{"type":"final","text":"Hello world, how are you?","start":0.0,"end":2.5,"words":['
        '{"word":"Hello","start":0.0,"end":0.5,"confidence":0.98},'
        '{"word":"world","start":0.5,"end":1.0,"confidence":0.97}]}',
    ),
    ("asr server", '{"type":"speech_start","timestamp":0.5}'),
    ("asr server", '{"type":"speech_end","timestamp":2.5}'),
    (
        "tts client",
        '{"type":"synthesize","text":"Hello, how can I help you?","voice_id":"default",'
        '"streaming":true,"chunk_size":50,"emotion":0.5}',
    ),
    (
        "tts client",
        '{"type":"register_voice","voice_id":"user_123","reference_audio":"base64_encoded_wav"}',
    ),
    ("tts server", '{"type":"audio_chunk","chunk_id":0,"duration_ms":500}'),
    (
        "tts server",
        '{"type":"synthesis_complete","total_duration_ms":2500,"chunks_sent":5}',
    ),
    ("conversation client", '{"type":"interrupt"}'),
    ("conversation client", '{"type":"offer","data":{"sdp":"v=0"}}'),
]


@pytest.mark.parametrize(("name", "text"), GOLDEN)
def test_the_seeds_examples_are_understood_and_sent_unchanged(name: str, text: str) -> None:
    message = parse(ADAPTERS[name], text)
    sent = json.loads(message.wire())
    for key, value in json.loads(text).items():
        assert sent[key] == value
