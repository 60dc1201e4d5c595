import asyncio

import numpy as np
import pytest

from services.asr.engines.base import (
    EMPTY,
    Priority,
    Samples,
    TranscribeOptions,
    Transcript,
    Word,
)
from services.asr.engines.whisper.utterance import WhisperUtterance, WindowHandle
from services.asr.engines.whisper.window import Window
from shared.errors import EngineFailed
from shared.scheduling.handle import Handle
from shared.scheduling.job import Job

SECOND = np.full(16_000, 0.1, np.float32)


class Desk:
    """Takes windows and answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, Priority, object | None]] = []
        self.handles: list[WindowHandle] = []
        self.cancelled = 0
        self.news = asyncio.Event()

    def submit(
        self,
        samples: Samples,
        options: TranscribeOptions,
        priority: Priority,
        replaces: object | None = None,
    ) -> WindowHandle:
        self.asked.append((len(samples), priority, replaces))
        handle = Handle(Job(Window(samples)), taken=lambda *_: None, cancelled=self._cancel)
        self.handles.append(handle)
        self.news.set()
        return handle

    def _cancel(self, _: Job[Window, Transcript]) -> None:
        self.cancelled += 1

    async def answer(self, index: int, *words: str) -> None:
        while len(self.handles) <= index:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 5)
        made = tuple(Word(word, i, i + 0.5, 0.9) for i, word in enumerate(words))
        self.handles[index].deliver((Transcript(" ".join(words), made, "en", 0.9),))
        self.handles[index].close()


async def test_a_final_is_made_once_until_more_is_fed() -> None:
    desk = Desk()
    utterance = WhisperUtterance(desk, TranscribeOptions())
    utterance.feed(SECOND)
    first, _ = await asyncio.gather(utterance.final(), desk.answer(0, "one"))
    assert await utterance.final() is first
    utterance.feed(SECOND)
    second, _ = await asyncio.gather(utterance.final(), desk.answer(1, "one", "two"))
    assert second.text == "one two"
    assert desk.asked == [(16_000, Priority.FINAL, None), (32_000, Priority.FINAL, None)]


async def test_partials_of_a_turn_replace_each_other_and_of_others_do_not() -> None:
    desk = Desk()
    ours, other = (WhisperUtterance(desk, TranscribeOptions()) for _ in range(2))
    for utterance in (ours, other):
        utterance.feed(SECOND)
    results = asyncio.gather(ours.partial(), ours.partial(), other.partial())
    await desk.answer(2, "x")
    desk.handles[0].close()
    await desk.answer(1, "one")
    found = await results
    keys = [key for _, _, key in desk.asked]
    assert keys[0] == keys[1] != keys[2]
    assert found[0] is None
    assert found[1] is not None
    assert found[1].text == "one"


async def test_settled_audio_is_forgotten_and_times_go_on() -> None:
    desk = Desk()
    utterance = WhisperUtterance(desk, TranscribeOptions())
    for _ in range(3):
        utterance.feed(SECOND)
    utterance.settle(2.0)
    utterance.settle(1.0)
    final, _ = await asyncio.gather(utterance.final(), desk.answer(0, "three"))
    assert desk.asked[0][0] == 16_000
    assert (final.words[0].start, final.words[0].end) == (2.0, 2.5)


async def test_a_long_turn_is_heard_in_several_windows() -> None:
    desk = Desk()
    utterance = WhisperUtterance(desk, TranscribeOptions())
    utterance.feed(np.tile(SECOND, 70))
    final, *_ = await asyncio.gather(
        utterance.final(), desk.answer(0, "a"), desk.answer(1, "b"), desk.answer(2, "c")
    )
    assert final.text == "a b c"
    assert sum(length for length, *_ in desk.asked) == 70 * 16_000
    assert final.words[1].start == desk.asked[0][0] / 16_000


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros(16_000, np.float32)])
async def test_silence_asks_nothing(samples: Samples) -> None:
    desk = Desk()
    utterance = WhisperUtterance(desk, TranscribeOptions())
    utterance.feed(samples)
    assert await utterance.final() == EMPTY
    assert desk.asked == []


async def test_a_final_that_is_cancelled_frees_its_place() -> None:
    desk = Desk()
    utterance = WhisperUtterance(desk, TranscribeOptions())
    utterance.feed(SECOND)
    task = asyncio.create_task(utterance.final())
    await asyncio.wait_for(desk.news.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert desk.cancelled == 1


async def test_closing_ends_what_is_queued() -> None:
    desk = Desk()
    utterance = WhisperUtterance(desk, TranscribeOptions())
    utterance.feed(SECOND)
    task = asyncio.create_task(utterance.final())
    await asyncio.wait_for(desk.news.wait(), 5)
    await utterance.aclose()
    with pytest.raises(EngineFailed):
        await task
    assert desk.cancelled == 1


def test_fed_samples_are_copied() -> None:
    utterance = WhisperUtterance(Desk(), TranscribeOptions())
    reused = SECOND.copy()
    utterance.feed(reused)
    reused[:] = 0
    assert utterance._kept().max() > 0
