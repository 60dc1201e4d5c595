import asyncio
from collections.abc import Callable
from contextlib import aclosing
from io import BytesIO

import numpy as np
import pytest

from services.asr.engines.base import (
    EngineInfo,
    Samples,
    TranscribeOptions,
    Transcript,
    Word,
)
from services.asr.pipeline.files import FileTranscriber, Recording
from shared.engine import Kind
from shared.errors import EngineFailed, InvalidRequest, TooLarge
from tests.audio.sounds import sound_file, tone

RATE = 16_000


class Loud:
    def probability(self, frame: Samples) -> float:
        return float(np.abs(frame).max() > 0.05)

    def reset(self) -> None: ...


class Counting:
    """Says how long each window is, when it is let."""

    info = EngineInfo("counting", "one", Kind.BATCHED, 30, ("en", "de"), frozenset())

    def __init__(self) -> None:
        self.languages: list[str | None] = []
        self.running = 0
        self.most = 0
        self.go = asyncio.Event()
        self.go.set()
        self.begun = asyncio.Event()
        self.full = asyncio.Event()
        self.fails = False

    async def transcribe(self, samples: Samples, options: TranscribeOptions) -> Transcript:
        self.languages.append(options.language)
        self.running += 1
        self.most = max(self.most, self.running)
        self.begun.set()
        if self.running == 3:
            self.full.set()
        try:
            await self.go.wait()
            if self.fails:
                raise EngineFailed("no")
        finally:
            self.running -= 1
        seconds = len(samples) // RATE
        return Transcript(f"{seconds}s", (Word("x", 0, 1, 1),), language="de")


def talk(*lengths: float, pause: float = 3.0) -> Samples:
    quiet = np.zeros(int(pause * RATE), np.float32)
    return np.concatenate([part for s in lengths for part in (tone(RATE, s), quiet)])


def recording(
    samples: Samples, *, kind: str = "wav", language: str | None = "en", most: float = 600
) -> Recording:
    data = sound_file(kind, samples, RATE)
    return Recording(BytesIO(data), TranscribeOptions(language), most)


@pytest.fixture
def engine() -> Counting:
    return Counting()


@pytest.fixture
def transcriber(engine: Counting) -> FileTranscriber:
    return FileTranscriber(engine, Loud, at_once=3)  # type: ignore[arg-type]


async def test_windows_come_in_order_with_the_files_times(transcriber: FileTranscriber) -> None:
    found = await transcriber.whole(recording(talk(5, 2, 8)))
    assert found.transcript.text == "5s 2s 8s"
    starts = [word.start for word in found.transcript.words]
    assert starts == pytest.approx([0, 7.75, 12.75], abs=0.1)
    assert found.seconds == pytest.approx(24, abs=0.1)
    assert not found.damaged


async def test_several_windows_run_at_once_and_no_more_than_allowed(
    transcriber: FileTranscriber, engine: Counting
) -> None:
    engine.go.clear()
    task = asyncio.create_task(transcriber.whole(recording(talk(*[2] * 9))))
    await asyncio.wait_for(engine.full.wait(), 10)
    engine.go.set()
    assert (await task).transcript.text == " ".join(["2s"] * 9)
    assert engine.most == 3


async def test_the_first_words_decide_the_language_of_the_rest(
    transcriber: FileTranscriber, engine: Counting
) -> None:
    await transcriber.whole(recording(talk(2, 2, 2), language=None))
    assert engine.languages == [None, "de", "de"]


async def test_silence_has_no_text_and_its_true_length(transcriber: FileTranscriber) -> None:
    found = await transcriber.whole(recording(np.zeros(30 * RATE, np.float32), kind="flac"))
    assert found.transcript == Transcript("")
    assert found.seconds == pytest.approx(30, abs=0.01)


async def test_leaving_cancels_what_is_queued(
    transcriber: FileTranscriber, engine: Counting
) -> None:
    engine.go.clear()
    task = asyncio.create_task(transcriber.whole(recording(talk(2, 2, 2, 2))))
    await asyncio.wait_for(engine.begun.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.running == 0


async def test_an_iterator_that_is_closed_leaves_nothing(
    transcriber: FileTranscriber, engine: Counting
) -> None:
    async with aclosing(transcriber.parts(recording(talk(2, 2, 2)))) as parts:
        assert (await anext(parts)).transcript.text == "2s"
    assert engine.running == 0


async def test_an_engine_that_fails_ends_the_file(
    transcriber: FileTranscriber, engine: Counting
) -> None:
    engine.fails = True
    with pytest.raises(EngineFailed):
        await transcriber.whole(recording(talk(2, 2)))
    assert engine.running == 0


def wrong(make: Callable[[], bytes]) -> Recording:
    return Recording(BytesIO(make()), TranscribeOptions("en"), 10)


@pytest.mark.parametrize("data", [b"", b"just some text, not sound at all" * 100])
async def test_what_is_no_sound_is_refused(transcriber: FileTranscriber, data: bytes) -> None:
    with pytest.raises(InvalidRequest):
        await transcriber.whole(wrong(lambda: data))


async def test_too_long_a_recording_is_refused(transcriber: FileTranscriber) -> None:
    with pytest.raises(TooLarge):
        await transcriber.whole(recording(talk(8, 8), most=10))


async def test_a_truncated_file_gives_what_it_holds(transcriber: FileTranscriber) -> None:
    data = sound_file("flac", talk(5, 5), RATE)
    cut = Recording(BytesIO(data[: len(data) * 6 // 10]), TranscribeOptions("en"), 60)
    found = await transcriber.whole(cut)
    assert found.damaged
    assert found.transcript.text.startswith("5s")
