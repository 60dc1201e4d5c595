"""What an engine with cloning makes of recordings: kept in memory, then on the voice's shelf."""

import asyncio
import logging
from typing import Generic, Protocol, TypeVar

from services.tts.engines.base import Arrays, Reference
from shared.recent import Recent

log = logging.getLogger(__name__)

Made = TypeVar("Made")


class Preparing(Protocol[Made]):
    """How an engine prepares a voice, and writes down what it made. Blocking."""

    @property
    def preparation(self) -> str:
        """Engine, model and version: another name, and every voice is prepared anew."""
        ...

    def prepare(self, reference: Reference) -> Made:
        """Listen to the recording."""
        ...

    def to_arrays(self, made: Made) -> Arrays:
        """For the shelf."""
        ...

    def from_arrays(self, reference: Reference, arrays: Arrays) -> Made:
        """The reverse.

        Raises:
            ValueError: they are not what ``to_arrays`` gives.
        """
        ...


class PreparedVoices(Generic[Made]):
    """The voices spoken with lately; one is prepared at a time.

    Args:
        limit: voices in memory, the least used go first.
    """

    def __init__(self, preparing: Preparing[Made], limit: int) -> None:
        self._preparing = preparing
        self._kept = Recent[tuple[str, str], Made](limit)
        self._turn = asyncio.Lock()

    async def get(self, reference: Reference) -> Made:
        """The voice, prepared only where it is neither in memory nor on its shelf."""
        key = (reference.voice_id, reference.digest)
        async with self._turn:
            made = self._kept.get(key)
            if made is None:
                found = await self._found(reference)
                made = await self._made(reference) if found is None else found
                self._kept.put(key, made)
            return made

    def forget(self, voice_id: str) -> None:
        """Drop a voice from memory."""
        for key in self._kept:
            if key[0] == voice_id:
                self._kept.drop(key)

    async def _found(self, reference: Reference) -> Made | None:
        preparation = self._preparing.preparation
        if reference.shelf is None or (arrays := await reference.shelf.load(preparation)) is None:
            return None
        try:
            return await asyncio.to_thread(self._preparing.from_arrays, reference, arrays)
        except ValueError as error:
            log.warning("a prepared voice is of no use", extra={"why": str(error)})
            return None

    async def _made(self, reference: Reference) -> Made:
        preparation = self._preparing.preparation
        made = await asyncio.to_thread(self._preparing.prepare, reference)
        log.info("voice prepared", extra={"preparation": preparation})
        if reference.shelf is not None:
            await reference.shelf.save(preparation, self._preparing.to_arrays(made))
        return made
