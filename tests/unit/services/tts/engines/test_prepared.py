"""A voice is prepared once: afterwards it comes from memory, then from its shelf."""

import asyncio
from dataclasses import dataclass, field

import numpy as np

from services.tts.engines.base import Arrays, Reference
from services.tts.engines.prepared import PreparedVoices
from tests.doubles.instant_tts import PitchPreparing


@dataclass
class Shelf:
    kept: dict[str, Arrays] = field(default_factory=dict)
    asked: int = 0

    async def load(self, preparation: str) -> Arrays | None:
        self.asked += 1
        return self.kept.get(preparation)

    async def save(self, preparation: str, arrays: Arrays) -> None:
        self.kept[preparation] = arrays


def reference(voice_id: str, shelf: Shelf | None = None, digest: str = "0abc") -> Reference:
    return Reference(voice_id, digest, np.zeros(4, np.float32), shelf)


async def test_memory_comes_before_the_shelf_and_the_shelf_before_preparing() -> None:
    shelf, preparing = Shelf(), PitchPreparing("m")
    voices = PreparedVoices(preparing, limit=4)
    first = await voices.get(reference("v", shelf))
    assert await voices.get(reference("v", shelf)) == first
    assert (preparing.prepared, shelf.asked) == (1, 1)
    again = PitchPreparing("m")
    assert await PreparedVoices(again, limit=4).get(reference("v", shelf)) == first
    assert again.prepared == 0


async def test_another_preparation_and_another_recording_are_prepared() -> None:
    shelf, preparing = Shelf(), PitchPreparing("m")
    voices = PreparedVoices(preparing, limit=4)
    await voices.get(reference("v", shelf))
    await voices.get(reference("v", Shelf(), digest="1abc"))
    other = PitchPreparing("other")
    await PreparedVoices(other, limit=4).get(reference("v", shelf))
    assert (preparing.prepared, other.prepared) == (2, 1)
    assert set(shelf.kept) == {"instant/m/1", "instant/other/1"}


async def test_what_the_engine_cannot_read_is_prepared_anew_and_overwritten() -> None:
    shelf = Shelf({"instant/m/1": {"something": np.zeros(1)}})
    preparing = PitchPreparing("m")
    await PreparedVoices(preparing, limit=4).get(reference("v", shelf))
    assert preparing.prepared == 1
    assert set(shelf.kept["instant/m/1"]) == {"hertz"}


async def test_the_least_used_leaves_memory_and_a_forgotten_one_too() -> None:
    shelf, preparing = Shelf(), PitchPreparing("m")
    voices = PreparedVoices(preparing, limit=2)
    for voice_id in ("a", "b", "a", "c"):  # b goes
        await voices.get(reference(voice_id))
    assert preparing.prepared == 3
    await voices.get(reference("b"))
    assert preparing.prepared == 4
    voices.forget("b")
    await voices.get(reference("b", shelf))
    assert preparing.prepared == 5


async def test_many_who_ask_at_once_cost_one_preparation() -> None:
    preparing = PitchPreparing("m")
    voices = PreparedVoices(preparing, limit=2)
    await asyncio.gather(*(voices.get(reference("v")) for _ in range(8)))
    assert preparing.prepared == 1
