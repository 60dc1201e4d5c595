"""Listening with a real Whisper: ours, which knows three hundred words and speaks espeak.

In process, and what each piece of audio brings is waited for before the next one is fed, so
that every speaker gets what a live one would get on an idle machine.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from services.asr.config import AsrSettings
from services.asr.engines.base import Engine, Samples, TranscribeOptions
from services.asr.engines.registry import start_engine
from services.asr.engines.silero import SileroModel
from services.asr.metrics import AsrMetrics
from services.asr.pipeline.catalogue import Catalogue
from services.asr.pipeline.hearing import Hearing
from shared.clock import SystemClock
from shared.protocol.asr import Config, End, Final, Partial, TurnEnd
from shared.protocol.base import Message
from tests.audio.speech import speech
from tests.models.tiny_whisper.evaluate import errors

WEIGHTS = Path(__file__).parents[2] / "models" / "tiny_whisper" / "weights"

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not WEIGHTS.is_dir(), reason=f"no weights in {WEIGHTS.name}"),
]

PAUSE = np.zeros(24_000, np.float32)
SENTENCES = (
    "I would like to book a flight to Paris",
    "what time does the flight leave",
    "my name is Peter Smith",
    "please turn on the light in the kitchen",
    "is there a flight to London in the morning",
    "yes please",
    "can you help me",
    "no thanks",
)
LONG = (*SENTENCES[:5], "can you help me")
"""Said in one breath."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hearing() -> AsyncIterator[Hearing]:
    metrics = AsrMetrics()
    settings = AsrSettings(engine="whisper", model=str(WEIGHTS), threads=1, short_windows=(4.0,))
    engine = await start_engine(settings, metrics)
    yield Hearing(
        engine=engine,
        open_detector=SileroModel().open,
        turn_model=None,
        catalogue=Catalogue(),
        metrics=metrics,
        clock=SystemClock(),
    )
    await engine.aclose()


async def hear(hearing: Hearing, pieces: Sequence[Samples], owner: str = "one") -> list[Message]:
    """Feed a stream piece by piece, letting what each brings be said before the next."""
    listener = hearing.listener(owner)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def feed() -> None:
        listener.tell(Config(language="en"))
        for piece in pieces:
            listener.hear(piece)
            while listener.waiting:
                await listener.worked()
        listener.tell(End())

    async with asyncio.timeout(50), asyncio.TaskGroup() as group:
        group.create_task(listener.run(send))
        group.create_task(feed())
    return sent


def finals(sent: Sequence[Message]) -> list[Final]:
    return [message for message in sent if isinstance(message, Final)]


async def whole(engine: Engine, samples: Samples) -> str:
    options = TranscribeOptions(language="en")
    return (await engine.transcribe(samples, options)).text


def chunks(samples: Samples, seconds: float = 0.4) -> list[Samples]:
    size = int(seconds * 16_000)
    return [samples[at : at + size] for at in range(0, len(samples), size)]


async def test_streaming_says_what_the_whole_file_says(hearing: Hearing) -> None:
    turns = [np.concatenate([speech(sentence), PAUSE]) for sentence in SENTENCES]

    sent = await hear(hearing, [PAUSE, *turns])

    files = [await whole(hearing.engine, speech(sentence)) for sentence in SENTENCES]
    heard = [final.text for final in finals(sent)]
    assert len(heard) == len(SENTENCES)
    right = sum(a == b for a, b in zip(heard, files, strict=True))
    assert right >= len(SENTENCES) - 1, list(zip(heard, files, strict=True))
    assert set(heard) & set(SENTENCES)


async def test_a_turn_of_more_than_30_s_loses_and_repeats_nothing(hearing: Hearing) -> None:
    """But for a word in twenty, which the model may mishear.

    Where the audio is trimmed depends on when partials are ready, so the bound leaves room.
    """
    breath = np.zeros(3_200, np.float32)
    said = [sentence for _ in range(3) for sentence in LONG]
    sound = np.concatenate([part for text in said for part in (speech(text), breath)])
    assert len(sound) > 31 * 16_000

    sent = await hear(hearing, [PAUSE, *chunks(sound), PAUSE])

    (final,) = finals(sent)
    words = final.text.split()
    assert errors(" ".join(said).split(), words) <= 0.05 * len(words)
    assert not [words[at:] for at in range(len(words)) for n in (2, 3, 4) if again(words, at, n)]
    assert [word.word for word in final.words] == words


def again(words: Sequence[str], at: int, count: int) -> bool:
    """Whether so many words are said twice in a row."""
    return words[at : at + count] == words[at + count : at + 2 * count] != []


async def test_word_times_are_in_order_and_inside_the_turn(hearing: Hearing) -> None:
    sent = await hear(hearing, [PAUSE, speech(SENTENCES[0]), PAUSE])

    (final,) = finals(sent)
    (ended,) = [message for message in sent if isinstance(message, TurnEnd)]
    assert [word.word for word in final.words] == final.text.split()
    times = [time for word in final.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert 1.1 <= final.start <= times[0]
    assert times[-1] <= final.end <= ended.timestamp


async def test_partials_only_ever_settle_more_words(hearing: Hearing) -> None:
    text = " and ".join(SENTENCES[:3])

    sent = await hear(hearing, [*chunks(speech(text)), PAUSE])

    partials = [message for message in sent if isinstance(message, Partial)]
    assert len(partials) >= 5
    stable = ""
    for partial in partials:
        assert partial.stable.startswith(stable)
        assert partial.text.startswith(partial.stable)
        stable = partial.stable
    assert len(stable.split()) >= 5
