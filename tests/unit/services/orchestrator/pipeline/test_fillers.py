"""Fillers: made once a voice, in its language, gone when nobody uses the voice."""

from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from services.orchestrator.pipeline.fillers import Fillers, phrases
from services.orchestrator.pipeline.heard import Spoken
from services.orchestrator.pipeline.ports import Piece
from shared.errors import UpstreamFailed


class Voice:
    """Says the text itself as bytes."""

    def __init__(self, voice_id: str = "a", language: str | None = "en") -> None:
        self.voice_id = voice_id
        self.language = language
        self.said: list[str] = []
        self.failing = False

    def use(self, voice_id: str | None, language: str | None) -> None:
        """Not here."""

    async def speak(self, text: AsyncIterator[str]) -> AsyncGenerator[Piece, None]:
        """At once."""
        if self.failing:
            raise UpstreamFailed("away")
        async for clause in text:
            self.said.append(clause)
            yield Piece(clause.encode(), Spoken(0, len(clause)))


async def test_they_are_made_once_for_all_sessions() -> None:
    fillers, voice = Fillers(), Voice()
    await fillers.prepare(voice)
    await fillers.prepare(voice)
    assert tuple(voice.said) == phrases("en")


async def test_they_take_turns() -> None:
    fillers = Fillers()
    await fillers.prepare(Voice())
    picked = [fillers.pick("a", "en") for _ in range(3)]
    assert {clip.text for clip in picked if clip} == set(phrases("en"))
    assert all(clip and clip.pcm == clip.text.encode() for clip in picked)


async def test_another_voice_or_language_has_none_yet() -> None:
    fillers = Fillers()
    await fillers.prepare(Voice())
    assert fillers.pick("b", "en") is None
    assert fillers.pick("a", "de") is None


async def test_a_failure_is_tried_again_by_the_next_session() -> None:
    fillers, voice = Fillers(), Voice()
    voice.failing = True
    with pytest.raises(UpstreamFailed):
        await fillers.prepare(voice)
    voice.failing = False
    await fillers.prepare(voice)
    assert fillers.pick("a", "en") is not None


async def test_voices_that_nobody_uses_make_room() -> None:
    fillers = Fillers()
    for number in range(70):
        await fillers.prepare(Voice(f"voice{number}"))
    assert fillers.pick("voice0", "en") is None
    assert fillers.pick("voice69", "en") is not None


def test_a_language_without_its_own_has_english() -> None:
    assert phrases("xx") == phrases(None)
    assert phrases("de-AT") != phrases(None)
