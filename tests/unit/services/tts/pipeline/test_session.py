"""The requests of one connection, without a connection."""

from dataclasses import replace

import pytest

from services.tts.pipeline.catalogue import ChosenVoice
from services.tts.pipeline.session import Limits, Session
from services.tts.pipeline.utterance import State
from shared.audio.pcm import Encoding
from shared.errors import Conflict, InvalidRequest, NotFound, RateLimited
from shared.protocol.tts import AudioFormat, Cancel, End, Flush, Synthesize, Text
from tests.doubles.instant_tts import InstantEngine

VOICE = ChosenVoice("hum", ("en",))
INFO = InstantEngine().info
BARE = replace(INFO, capabilities=frozenset())


def idle(session: Session) -> bool:
    return session.idle


@pytest.fixture
def session() -> Session:
    return Session(INFO, Limits(max_text_chars=100, max_open_requests=2))


def test_a_request_is_named_by_the_client_or_here(session: Session) -> None:
    assert session.name(Synthesize(request_id="mine", text="x")) == "mine"
    assert session.name(Synthesize(text="x")) != session.name(Synthesize(text="x"))


def test_a_request_lives_from_its_opening_to_its_end(session: Session) -> None:
    utterance = session.open("r", Synthesize(text="", more=True), VOICE)
    assert not idle(session)
    assert session.update(Text(request_id="r", text="Hello")) is utterance
    assert session.update(Flush(request_id="r")) is utterance
    session.update(End(request_id="r"))
    complete = utterance.state
    session.over(utterance)
    assert idle(session)
    assert (complete, utterance.state) == (State.COMPLETE, State.OVER)


def test_what_the_message_asks_for_reaches_the_pipeline(session: Session) -> None:
    message = Synthesize(
        text="Hi", speed=2, emotion=0.9, chunk_size=5, streaming=False, language="en",
        format=AudioFormat(encoding="mulaw", sample_rate=8000),
    )  # fmt: skip
    options = session.open("r", message, VOICE).options
    assert (options.speed, options.emotion, options.chunk_size) == (2, 0.9, 5)
    assert (options.encoding, options.sample_rate) == (Encoding.MULAW, 8000)
    assert not options.streaming


def test_an_id_in_use_and_too_many_are_refused(session: Session) -> None:
    session.open("a", Synthesize(text="", more=True), VOICE)
    with pytest.raises(Conflict):
        session.open("a", Synthesize(text="Hi"), VOICE)
    session.open("b", Synthesize(text="", more=True), VOICE)
    with pytest.raises(RateLimited):
        session.open("c", Synthesize(text="Hi"), VOICE)


def test_a_request_that_is_refused_leaves_nothing_behind(session: Session) -> None:
    with pytest.raises(InvalidRequest):
        session.open("a", Synthesize(text=" "), VOICE)
    assert session.idle
    session.open("a", Synthesize(text="Hi"), VOICE)


def test_what_is_not_open_is_not_found(session: Session) -> None:
    for message in (Text(request_id="r", text="x"), Flush(request_id="r"), End(request_id="r")):
        with pytest.raises(NotFound):
            session.update(message)
    with pytest.raises(NotFound):
        session.cancel(Cancel(request_id="r"))


def test_an_ended_request_does_not_close_the_one_that_took_its_id(session: Session) -> None:
    first = session.open("r", Synthesize(text="Hi"), VOICE)
    session.over(first)
    second = session.open("r", Synthesize(text="Hi again"), VOICE)
    session.over(first)
    assert not session.idle
    assert session.cancel(Cancel(request_id="r")) is second
    assert second.state is State.OVER


def test_only_options_that_the_engine_lacks_are_warned_of() -> None:
    able = Session(INFO, Limits(100, 2))
    assert able.unsupported(Synthesize(text="x", emotion=0.9, language="fr"), VOICE) == []
    bare = Session(BARE, Limits(100, 2))
    assert bare.unsupported(Synthesize(text="x", language="en-US"), VOICE) == []
    lines = bare.unsupported(Synthesize(text="x", emotion=0.9, language="fr"), VOICE)
    assert len(lines) == 2
    assert bare.open("r", Synthesize(text="x", language="fr"), VOICE).options.language is None
