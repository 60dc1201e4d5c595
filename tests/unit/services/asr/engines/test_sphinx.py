"""PocketSphinx behind the seam: order, pooling, failures; real words where there is speech."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import numpy as np
import pytest
import pytest_asyncio

from services.asr.config import AsrSettings
from services.asr.engines.base import (
    SAMPLE_RATE,
    Engine,
    Samples,
    TranscribeOptions,
    Transcript,
    Word,
)
from services.asr.engines.sphinx import SphinxEngine, default_capacity
from services.asr.engines.sphinx import load as load_engine
from services.asr.engines.sphinx_decoder import Channels, Decoder, Ear
from services.asr.metrics import AsrMetrics
from shared.errors import Draining, EngineFailed
from tests.audio.recordings import load, needs_recordings, recordings
from tests.audio.speech import speech

pytestmark = pytest.mark.asyncio(loop_scope="module")

PHRASE = "vap-phrases-synthetic/bike_long_female_en-US-Wavenet-G.wav"
OPTIONS = TranscribeOptions(language="en")
HUSH = np.zeros(SAMPLE_RATE // 2, np.float32)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[SphinxEngine]:
    started = SphinxEngine(capacity=2, threads=1)
    await started.start()
    # Both decoders are made here, so that no test leans on another for the second.
    turns = [started.open(OPTIONS) for _ in range(2)]
    for turn in turns:
        turn.feed(HUSH)
    for turn in turns:
        await turn.final()
    for turn in turns:
        await turn.aclose()
    yield started
    await started.aclose()


async def idle(engine: SphinxEngine, count: int) -> None:
    async with asyncio.timeout(20):
        while engine.idle_decoders != count:
            await asyncio.sleep(0.01)


def noise(seconds: float) -> Samples:
    rng = np.random.default_rng(7)
    return rng.normal(0, 0.001, int(seconds * SAMPLE_RATE)).astype(np.float32)


async def test_it_declares_what_it_is(engine: SphinxEngine) -> None:
    described: Engine = engine

    assert described.info.languages == ("en",)
    assert described.info.capacity == 2
    assert described.info.capabilities == {"partials", "words"}


async def test_its_capacity_comes_from_the_cores() -> None:
    engine = load_engine(AsrSettings(), AsrMetrics(), reason="chosen by auto")

    assert engine.info.capacity == default_capacity() >= 4
    assert engine.info.reason == "chosen by auto"
    await engine.aclose()


@pytest.mark.parametrize("what", ["load", "hear"])
async def test_python_runs_on_while_a_decoder_works(what: str) -> None:
    """With the interpreter's lock held, the loop would stop in each call of the library."""
    decoder = Decoder()
    decoder.begin(None)
    work: dict[str, Callable[[], object]] = {
        "load": Decoder,
        "hear": lambda: decoder.hear(speech("One two three four five.").repeat(8)),
    }
    began, ended = threading.Event(), threading.Event()

    def run() -> None:
        began.set()
        work[what]()
        ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    began.wait()
    turns = 0
    while not ended.is_set():
        await asyncio.sleep(0.001)  # lets go of the lock, and needs it back
        turns += 1
    thread.join()

    assert turns > 20


async def test_a_word_is_as_sure_as_the_lattice_says(engine: SphinxEngine) -> None:
    heard = await engine.transcribe(speech("The weather is fine in the morning."), OPTIONS)

    assert len({word.confidence for word in heard.words}) > 1
    assert all(0 <= word.confidence <= 1 for word in heard.words)
    assert 0 < heard.confidence < 1


async def test_a_spare_decoder_is_loaded_before_it_is_needed() -> None:
    engine = SphinxEngine(capacity=3, threads=1)
    await engine.start()
    turn = engine.open(OPTIONS)
    turn.feed(HUSH)
    await turn.final()

    await idle(engine, 1)
    await turn.aclose()
    await idle(engine, 2)
    await engine.aclose()


async def test_silence_says_nothing(engine: SphinxEngine) -> None:
    utterance = engine.open(OPTIONS)
    utterance.feed(HUSH)

    assert (await utterance.final()).text == ""
    await utterance.aclose()


async def test_an_unfed_turn_says_nothing_and_can_be_closed(engine: SphinxEngine) -> None:
    utterance = engine.open(OPTIONS)

    assert (await utterance.final()).text == ""
    await utterance.aclose()
    await utterance.aclose()
    await idle(engine, 2)


@needs_recordings
async def test_words_have_times_in_order(engine: SphinxEngine) -> None:
    audio = load(PHRASE)
    utterance = engine.open(OPTIONS)
    for at in range(0, len(audio), 1600):
        utterance.feed(audio[at : at + 1600])
    partial = await utterance.partial()
    final = await utterance.final()
    again = await utterance.final()
    await utterance.aclose()

    assert final.text == "did you come here by bike this morning"
    assert [word.word for word in final.words] == final.text.split()
    ends = [word.end for word in final.words]
    assert ends == sorted(ends)
    assert ends[-1] <= len(audio) / SAMPLE_RATE
    assert len(set(partial.text.split()) & set(final.text.split())) > 4
    assert again == final


@needs_recordings
@pytest.mark.parametrize("live", [True, False], ids=["live", "file"])
async def test_a_first_word_that_nothing_comes_before_is_heard(
    engine: SphinxEngine, live: bool
) -> None:
    first: list[Word] = []
    for phrase in recordings("vap-phrases-synthetic/experiment"):
        audio = load(phrase["file"])
        audio = audio[int(np.argmax(np.abs(audio) > 0.02)) :][:SAMPLE_RATE]
        found = await (in_a_turn(engine, audio) if live else engine.transcribe(audio, OPTIONS))
        first += found.words[:1]

    assert [word.word for word in first].count("have") >= 5, "of seven"
    assert all(0 <= word.start < word.end for word in first)


async def in_a_turn(engine: SphinxEngine, audio: Samples) -> Transcript:
    utterance = engine.open(OPTIONS)
    utterance.feed(audio)
    final = await utterance.final()
    await utterance.aclose()
    return final


@needs_recordings
async def test_going_on_after_a_final_joins_the_words(engine: SphinxEngine) -> None:
    audio = np.concatenate([load(PHRASE), HUSH])
    utterance = engine.open(OPTIONS)
    utterance.feed(audio)
    first = await utterance.final()
    utterance.feed(audio)
    both = await utterance.final()
    await utterance.aclose()

    assert both.text.startswith(first.text)
    second = both.words[len(first.words) :]
    assert {"by", "bike", "this", "morning"} <= {word.word for word in second}
    assert second[0].start >= len(audio) / SAMPLE_RATE


@needs_recordings
async def test_settled_words_are_left_out(engine: SphinxEngine) -> None:
    utterance = engine.open(OPTIONS)
    utterance.feed(load(PHRASE))
    whole = await utterance.final()
    utterance.settle(whole.words[3].end)
    rest = await utterance.final()
    await utterance.aclose()

    assert rest.words == whole.words[4:]
    assert rest.text == "by bike this morning"


@needs_recordings
async def test_a_turn_without_a_decoder_waits_for_one(engine: SphinxEngine) -> None:
    first, second, third = (engine.open(OPTIONS) for _ in range(3))
    for utterance in (first, second, third):
        utterance.feed(load(PHRASE))
    await first.final()
    await second.final()
    waiting = asyncio.create_task(third.final())
    done, _ = await asyncio.wait({waiting}, timeout=0.05)
    assert not done

    await first.aclose()

    assert "morning" in (await waiting).text
    await second.aclose()
    await third.aclose()
    await idle(engine, 2)


async def test_a_closed_turn_answers_with_an_error(engine: SphinxEngine) -> None:
    loaded = engine.idle_decoders
    utterance = engine.open(OPTIONS)
    utterance.feed(noise(5))
    asking = asyncio.create_task(utterance.final())
    await asyncio.sleep(0)
    await utterance.aclose()

    with pytest.raises(EngineFailed):
        await asking
    await idle(engine, loaded)


async def test_a_question_nobody_waits_for_is_skipped(engine: SphinxEngine) -> None:
    utterance = engine.open(OPTIONS)
    utterance.feed(noise(3))
    asking = asyncio.create_task(utterance.partial())
    await asyncio.sleep(0)
    asking.cancel()
    final = await utterance.final()
    await utterance.aclose()

    assert final.words == ()


@pytest.mark.parametrize("kind", [RuntimeError, ValueError])
async def test_a_decoder_that_fails_fails_its_turn_alone(
    engine: SphinxEngine, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def broken(ear: Ear, samples: Samples) -> None:
        raise kind("Failed to process")

    loaded = engine.idle_decoders
    with monkeypatch.context() as patched:
        patched.setattr(Ear, "hear", broken)
        utterance = engine.open(OPTIONS)
        utterance.feed(HUSH)
        with pytest.raises(EngineFailed, match="PocketSphinx failed"):
            await utterance.final()
    await utterance.aclose()
    await idle(engine, loaded)

    assert (await engine.transcribe(HUSH, OPTIONS)).text == ""


async def test_stopping_fails_what_is_not_done() -> None:
    engine = SphinxEngine(capacity=1, threads=1)
    await engine.start()
    utterance = engine.open(OPTIONS)
    utterance.feed(noise(8))
    asking = asyncio.create_task(utterance.final())
    await asyncio.sleep(0)

    await engine.aclose()

    with pytest.raises(Draining):
        await asking


async def test_a_file_is_heard_the_same_whatever_was_heard_before(engine: SphinxEngine) -> None:
    spoken = speech("Hello, this is Parley.")
    first = await engine.transcribe(spoken, OPTIONS)
    await engine.transcribe(noise(1.0), OPTIONS)
    await engine.transcribe(speech("One two three four five.") * np.float32(0.1), OPTIONS)
    again = await engine.transcribe(spoken, OPTIONS)

    assert again.text == first.text
    assert first.text
    for one, other in zip(again.words, first.words, strict=True):
        assert one.confidence == pytest.approx(other.confidence, abs=0.02)
        assert replace(one, confidence=0.0) == replace(other, confidence=0.0)


async def test_a_connection_keeps_its_channel_and_no_other_gets_it() -> None:
    channels = Channels()
    fresh = channels.mean("someone")
    channels.learn("someone", "1,2,3")

    assert channels.mean("someone") == "1,2,3"
    assert channels.mean("another") == fresh
    for n in range(300):
        channels.learn(str(n), "4,5,6")
    assert channels.mean("someone") == fresh


@pytest.mark.parametrize("cut", [10_409, 11_681, 12_264])
async def test_speech_that_breaks_off_keeps_its_words(engine: SphinxEngine, cut: int) -> None:
    heard = await engine.transcribe(speech("This is a test.")[:cut], OPTIONS)
    assert heard.text
    assert all(word.start <= word.end <= cut / SAMPLE_RATE for word in heard.words)
