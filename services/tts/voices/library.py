"""The voices that clients registered: checked, kept, shared with the other replicas, forgotten."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from services.tts.voices.files import CannotKeep, VoiceFiles
from services.tts.voices.record import StoredVoice, VoiceRecord
from services.tts.voices.reference import checked
from services.tts.voices.registration import Registration
from services.tts.voices.share import VoiceShare
from services.tts.voices.shelf import PreparedStore, VoiceShelf
from shared.bus import Bus
from shared.errors import Conflict, NotFound, UpstreamFailed
from shared.recent import Recent
from shared.resilience import backoff

log = logging.getLogger(__name__)

_CHANNEL = "tts:voices"

Told = Callable[[str], Awaitable[None]]
"""Called with the id of a voice."""


class VoiceLibrary:
    """All registered voices of this replica and, where there is Redis, of the others.

    Args:
        share: what replicas share; None: this process is alone.
        bus: tells the other replicas.
        cached: voices whose sound is kept in memory, the least used go first.
        require_consent: refuse to register without it.
        wall: seconds since 1970.
    """

    def __init__(
        self,
        files: VoiceFiles,
        share: VoiceShare | None,
        bus: Bus,
        *,
        cached: int,
        require_consent: bool,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._files = files
        self._share = share
        self._bus = bus
        self._require_consent = require_consent
        self._wall = wall
        self._records: dict[str, VoiceRecord] = {}
        self._sounds = Recent[str, StoredVoice](cached)
        self._writing = asyncio.Lock()
        self._untold = False
        """Whether the other replicas have to look again."""
        self._deleted: Told | None = None
        self._replaced: Told | None = None

    @property
    def count(self) -> int:
        """Voices that are registered, of all owners."""
        return len(self._records)

    async def health(self) -> dict[str, bool]:
        """For ``/health``: whether there is a Redis, and whether it answers."""
        if self._share is None:
            return {"enabled": False, "healthy": False}
        return {"enabled": True, "healthy": await self._share.answers()}

    def tell(self, *, deleted: Told, replaced: Told) -> None:
        """Whom to tell of voices of which nothing may be kept any more.

        Args:
            deleted: ends the voice's requests, too.
            replaced: requests that began with the old voice end with it.
        """
        self._deleted, self._replaced = deleted, replaced

    async def open(self) -> None:
        """Read what is kept here; give and take what the replicas share, once they answer."""
        for voice in await asyncio.to_thread(list, self._files.all()):
            self._records[voice.record.voice_id] = voice.record
        if self._share is not None:
            await self._caught_up(self._share)

    async def listen(self) -> None:
        """Follow what other replicas do, until cancelled."""
        if self._share is None:
            return
        async with self._bus.subscribe(_CHANNEL) as messages:
            async for _ in messages:  # whatever it was: what is shared is the truth
                for wait in backoff(0.1, 5.0):
                    if await self._caught_up(self._share):
                        break
                    await asyncio.sleep(wait)

    async def register(self, wanted: Registration, owner: str) -> VoiceRecord:
        """Check a recording and keep it.

        Raises:
            InvalidRequest: the id or the recording will not do, with all reasons.
            ConsentRequired: the client did not say that the speaker agreed.
            Conflict: the id is taken; by somebody else, or without `replace`.
        """
        wanted.check(require_consent=self._require_consent)
        self._check_free(wanted, owner)
        sound = await asyncio.to_thread(checked, wanted.recording)
        voice = wanted.voice(owner, sound, self._wall())
        await self._keep(voice, wanted, owner)
        return voice.record

    async def delete(self, voice_id: str, owner: str) -> None:
        """Forget a voice here, in Redis and on every replica; its requests end.

        Raises:
            NotFound: the owner has no such voice.
        """
        record = self.record(voice_id, owner)
        async with self._writing:
            if self._share is not None:
                at = max(self._wall(), record.created_at)  # clocks of replicas differ
                await self._share.delete(voice_id, at)
            await self._forget(voice_id)
            await self._bus.publish(_CHANNEL, f"deleted {voice_id}")
        log.info("voice deleted", extra={"voices": len(self._records)})

    def record(self, voice_id: str, owner: str) -> VoiceRecord:
        """What is known of the owner's voice.

        Raises:
            NotFound: the owner has no such voice.
        """
        found = self._records.get(voice_id)
        if found is None or found.owner != owner:
            raise NotFound(f"no voice {voice_id!r}; see /v1/audio/voices", param="voice")
        return found

    def listed(self, owner: str) -> list[VoiceRecord]:
        """The owner's voices."""
        return [record for record in self._records.values() if record.owner == owner]

    async def voice(self, voice_id: str, owner: str) -> StoredVoice:
        """The owner's voice with its sound.

        Raises:
            NotFound: the owner has no such voice. CannotOpen: it was sealed with another key.
        """
        record = self.record(voice_id, owner)
        cached = self._sounds.get(voice_id)
        if cached is not None and cached.record.digest == record.digest:
            return cached
        voice = await asyncio.to_thread(self._files.load, voice_id)
        if voice is None or voice.record.digest != record.digest:
            voice = None if self._share is None else await self._share.load(voice_id)
        if voice is None:
            raise NotFound(f"voice {voice_id!r} is gone", param="voice")
        self._remember(voice)
        return voice

    def shelf(self, record: VoiceRecord) -> VoiceShelf:
        """For what an engine prepares of the voice."""
        places: tuple[PreparedStore, ...] = (self,) if self._share is None else (self, self._share)
        return VoiceShelf(record, self._files.sealer, places)

    async def load_prepared(self, record: VoiceRecord, preparation: str) -> bytes | None:
        """What is kept on this disk."""
        return await asyncio.to_thread(self._files.load_prepared, record.voice_id, preparation)

    async def save_prepared(self, record: VoiceRecord, preparation: str, sealed: bytes) -> None:
        """Keep it on this disk, unless the voice was deleted or replaced meanwhile."""
        async with self._writing:
            if self._records.get(record.voice_id) == record:
                await asyncio.to_thread(
                    self._files.save_prepared, record.voice_id, preparation, sealed
                )

    def _check_free(self, wanted: Registration, owner: str) -> None:
        found = self._records.get(wanted.voice_id)
        if found is not None and not (wanted.replace and found.owner == owner):
            raise Conflict(
                f"voice {wanted.voice_id!r} exists; its owner may send `replace: true`",
                param="voice_id",
            )

    async def _keep(self, voice: StoredVoice, wanted: Registration, owner: str) -> None:
        voice_id = voice.record.voice_id
        async with self._writing:
            self._check_free(wanted, owner)  # it may have been taken meanwhile
            replacing = voice_id in self._records
            shared = await self._offered(voice, wanted, owner, replacing=replacing)
            try:
                await asyncio.to_thread(self._files.save, voice)
            except CannotKeep:
                if self._share is None or not shared:
                    raise  # else Redis has it, and that is the truth
            self._records[voice_id] = voice.record
            self._remember(voice)
            if replacing and self._replaced is not None:
                await self._replaced(voice_id)
            if shared:
                await self._bus.publish(_CHANNEL, f"changed {voice_id}")
        log.info("voice registered", extra={"seconds": voice.record.duration_s})

    async def _offered(
        self, voice: StoredVoice, wanted: Registration, owner: str, *, replacing: bool
    ) -> bool:
        """Give it to the replicas; False where it has to wait until they answer.

        Raises:
            UpstreamFailed: another replica would bring back the voice that is to be replaced.
        """
        if self._share is None:
            return True
        try:
            if await self._share.add(voice, replace=replacing):
                return True
            await self._follow(self._share)
            if self._records.get(voice.record.voice_id) != voice.record:  # else our own answer
                self._check_free(wanted, owner)  # was lost, and the voice is there
                await self._share.add(voice, replace=True)
        except UpstreamFailed as error:
            if replacing:
                raise
            log.warning("voice kept here, not shared yet", extra={"why": error.message})
            return False
        return True

    def _remember(self, voice: StoredVoice) -> None:
        voice_id = voice.record.voice_id
        if self._records.get(voice_id) == voice.record:  # else deleted or replaced meanwhile
            self._sounds.put(voice_id, voice)

    async def _forget(self, voice_id: str) -> None:
        known = self._records.pop(voice_id, None)
        self._sounds.drop(voice_id)
        await asyncio.to_thread(self._files.delete, voice_id)
        if known is not None and self._deleted is not None:
            await self._deleted(voice_id)

    async def _caught_up(self, share: VoiceShare) -> bool:
        try:
            async with self._writing:
                await self._follow(share)
        except UpstreamFailed as error:
            log.warning("voices are not shared now", extra={"why": error.message})
            return False
        return True

    async def _follow(self, share: VoiceShare) -> None:
        """Make the records those that the replicas share.

        What only this disk has is offered again (Redis may have lost everything), unless it
        was deleted meanwhile.
        """
        index = dict(await share.index())
        missing = [record for name, record in self._records.items() if name not in index]
        deleted = await share.deleted() if missing else {}
        for record in missing:
            voice = await asyncio.to_thread(self._files.load, record.voice_id)
            if deleted.get(record.voice_id, 0.0) >= record.created_at:
                await self._forget(record.voice_id)
            elif voice is None:
                del self._records[record.voice_id]
            elif await share.add(voice, replace=False):
                index[record.voice_id] = record
                self._untold = True
        known = dict(self._records)
        self._records.update(index)
        for voice_id, record in index.items():
            if known.get(voice_id, record) != record:
                await self._outdated(voice_id)
        if self._untold:
            await self._bus.publish(_CHANNEL, "offered")
            self._untold = False

    async def _outdated(self, voice_id: str) -> None:
        """Another replica has replaced it."""
        self._sounds.drop(voice_id)
        await asyncio.to_thread(self._files.delete, voice_id)
        if self._replaced is not None:
            await self._replaced(voice_id)
