from itertools import count

import pytest

from services.asr.pipeline.intake import Intake
from services.asr.pipeline.realtime import RealtimeSession, Translator
from shared.errors import InvalidRequest
from shared.protocol.asr import Final, Partial, SpeechStart, TurnEnd
from shared.protocol.base import ErrorMessage, WarningMessage

DELTA = "conversation.item.input_audio_transcription.delta"


@pytest.fixture
def session() -> RealtimeSession:
    return RealtimeSession.begin("sess_1", "whisper-1")


@pytest.fixture
def translator() -> Translator:
    names = count()
    return Translator(name=lambda: str(next(names)))


def partial(stable: str, segment: int = 0) -> Partial:
    return Partial(text=stable + " x", stable=stable, confidence=1, timestamp=1, segment=segment)


def final(text: str, segment: int = 0) -> Final:
    return Final(text=text, start=0.5, end=2.0, segment=segment)


def ended(segment: int = 0) -> TurnEnd:
    return TurnEnd(timestamp=2.0, probability=1, reason="silence", segment=segment)


def test_a_turn_becomes_an_item(translator: Translator) -> None:
    messages = [
        SpeechStart(timestamp=0.5, segment=0),
        partial("one"),
        partial("one two"),
        SpeechStart(timestamp=1.5, segment=0),
        WarningMessage(code="x", message="y"),
        ended(),
        final("one two three"),
    ]
    events = [event for message in messages for event in translator.told(message)]
    assert [event["type"] for event in events] == [
        "input_audio_buffer.speech_started",
        DELTA,
        DELTA,
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        DELTA,
        "conversation.item.input_audio_transcription.completed",
    ]
    assert {event.get("item_id", "item_0") for event in events} == {"item_0"}
    assert (events[0]["audio_start_ms"], events[3]["audio_end_ms"]) == (500, 2000)
    assert [event["delta"] for event in events if event["type"] == DELTA] == [
        "one",
        " two",
        " three",
    ]
    assert events[-1]["transcript"] == "one two three"
    assert events[-1]["usage"] == {"type": "duration", "seconds": 1.5}
    assert events[4]["previous_item_id"] is None
    assert translator.told(ended(1))[1]["previous_item_id"] == "item_0"


def test_deltas_only_grow_and_completed_decides(translator: Translator) -> None:
    assert [event["delta"] for event in translator.told(partial("one two"))] == ["one two"]
    assert translator.told(partial("one")) == []
    assert translator.told(partial("won two three")) == []
    (done,) = translator.told(final("won too"))
    assert done["transcript"] == "won too"


def test_a_turn_that_failed_says_so(translator: Translator) -> None:
    translator.told(ErrorMessage(code="timeout", message="late", retryable=True))
    (failed,) = translator.told(final(""))
    assert failed["type"].endswith("transcription.failed")
    assert failed["error"]["code"] == "timeout"
    assert translator.told(final("fine", 1))[-1]["transcript"] == "fine"


def test_who_commits_by_hand_hears_nothing_of_speech(translator: Translator) -> None:
    translator.manual = True
    assert translator.told(SpeechStart(timestamp=0, segment=0)) == []
    kinds = [event["type"] for event in translator.told(ended())]
    assert kinds[0] == "input_audio_buffer.committed"


def test_the_defaults_are_openais(session: RealtimeSession) -> None:
    described = session.described()
    given = described["audio"]["input"]
    assert described["type"] == "transcription"
    assert given["format"] == {"type": "audio/pcm", "rate": 24000}
    assert given["transcription"]["model"] == "whisper-1"
    assert given["turn_detection"]["silence_duration_ms"] == 500
    config = session.config()
    assert (config.sample_rate, config.encoding, config.vad.semantic) == (24_000, "s16le", False)


def test_only_what_is_given_changes(session: RealtimeSession) -> None:
    changed = session.changed(
        {
            "type": "transcription",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcmu"},
                    "transcription": {"language": "de"},
                    "turn_detection": {"threshold": 0.7},
                }
            },
        }
    )
    given = changed.settings.audio.input
    assert given.transcription is not None
    assert (given.transcription.model, given.transcription.language) == ("whisper-1", "de")
    config = changed.config()
    assert (config.encoding, config.sample_rate) == ("mulaw", 8_000)
    assert (config.vad.threshold, config.vad.silence_ms) == (0.7, 500)
    assert config.language == "de"


@pytest.mark.parametrize(
    ("eagerness", "silence"), [("low", 8000), ("auto", 4000), ("medium", 4000), ("high", 2000)]
)
def test_semantic_vad_asks_the_turn_model(
    session: RealtimeSession, eagerness: str, silence: int
) -> None:
    wish = {"type": "semantic_vad", "eagerness": eagerness}
    config = session.changed({"audio": {"input": {"turn_detection": wish}}}).config()
    assert config.vad.semantic
    assert config.vad.silence_ms == silence


def test_another_turn_detection_leaves_nothing_of_the_one_before(session: RealtimeSession) -> None:
    intake = Intake()
    wishes = ({"type": "server_vad", "threshold": 0.9}, None, {"type": "semantic_vad"})
    for wish in wishes:
        session = session.changed({"audio": {"input": {"turn_detection": wish}}})
        config = intake.configure(session.config())

    assert (config.vad.enabled, config.vad.semantic, config.vad.threshold) == (True, True, None)


def test_keywords_and_a_likely_language_are_heard(session: RealtimeSession) -> None:
    wished = {"prompt": "A talk.", "keywords": ["Parley", "Kokoro"], "languages": ["de"]}
    config = session.changed({"audio": {"input": {"transcription": wished}}}).config()
    assert (config.prompt, config.language) == ("A talk. Parley, Kokoro", "de")


def test_keywords_without_end_are_refused(session: RealtimeSession) -> None:
    wished = {"keywords": ["Parley"] * 1000}
    with pytest.raises(InvalidRequest) as raised:
        session.changed({"audio": {"input": {"transcription": wished}}})
    assert raised.value.param == "session.prompt"


def test_fields_that_mean_nothing_here_are_known_by_name(session: RealtimeSession) -> None:
    assert session.ignored == frozenset()
    given = {"format": {"type": "audio/pcm", "depth": 16}, "turn_detection": None}
    changed = session.changed({"tools": [], "audio": {"input": given, "output": {}}})
    assert changed.ignored == {"tools", "audio.output", "audio.input.format.depth"}
    assert "tools" not in changed.described()


def test_null_turns_detection_off(session: RealtimeSession) -> None:
    changed = session.changed({"audio": {"input": {"turn_detection": None}}})
    assert changed.manual
    assert not changed.config().vad.enabled
    assert not session.manual


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"type": "realtime"}, "session.type"),
        ({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}}, "rate"),
        ({"audio": {"input": {"format": {"type": "audio/mp3"}}}}, "format"),
        ({"audio": {"input": {"turn_detection": {"type": "magic"}}}}, "turn_detection"),
        ({"audio": []}, "audio"),
    ],
)
def test_a_bad_value_is_named(
    session: RealtimeSession, changes: dict[str, object], param: str
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        session.changed(changes)
    assert param in str(raised.value.param)
