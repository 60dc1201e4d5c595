"""What replicas share of voices, in a real Redis."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from redis.asyncio import Redis

from services.tts.voices.files import VoiceFiles
from services.tts.voices.library import VoiceLibrary
from services.tts.voices.record import StoredVoice, VoiceRecord, digest
from services.tts.voices.registration import Registration
from services.tts.voices.share import RedisShare
from shared.bus import MemoryBus
from shared.sealing import sealer
from tests.integration.tts.test_voices import wav
from tests.running.redis import RedisServer

SAMPLES = np.linspace(-0.5, 0.5, 1000, dtype=np.float32)
RECORD = VoiceRecord("mine", "alice", "Mine", None, 6.0, digest(SAMPLES), True, 1.0)
VOICE = StoredVoice(RECORD, SAMPLES)
OTHER = StoredVoice(replace(RECORD, digest=digest(-SAMPLES), created_at=2.0), -SAMPLES)


@pytest.fixture
async def share(redis_server: RedisServer) -> AsyncIterator[RedisShare]:
    async with Redis.from_url(redis_server.url) as redis:
        yield RedisShare(redis, sealer(None))


async def test_of_two_who_add_one_wins_and_its_voice_is_whole(share: RedisShare) -> None:
    assert await share.add(VOICE, replace=False)
    assert not await share.add(OTHER, replace=False)
    assert await share.index() == {"mine": RECORD}
    loaded = await share.load("mine")
    assert loaded is not None
    assert loaded.record == RECORD


async def test_what_is_prepared_goes_with_its_voice(share: RedisShare) -> None:
    await share.add(VOICE, replace=False)
    await share.save_prepared(RECORD, "e/1", b"made")
    assert await share.load_prepared(RECORD, "e/1") == b"made"
    assert await share.load_prepared(RECORD, "e/2") is None
    await share.add(OTHER, replace=True)
    assert await share.load_prepared(OTHER.record, "e/1") is None
    await share.save_prepared(OTHER.record, "e/1", b"made")
    await share.delete("mine", 3.0)
    assert await share.load_prepared(OTHER.record, "e/1") is None
    assert await share.deleted() == {"mine": 3.0}


async def test_what_is_prepared_too_late_is_not_kept(share: RedisShare) -> None:
    await share.add(VOICE, replace=False)
    await share.add(OTHER, replace=True)
    await share.save_prepared(RECORD, "e/1", b"of the old voice")
    assert await share.load_prepared(RECORD, "e/1") is None
    await share.delete("mine", 3.0)
    await share.save_prepared(OTHER.record, "e/1", b"of the dead voice")
    assert await share.load_prepared(OTHER.record, "e/1") is None


async def test_a_voice_deleted_while_it_is_kept_leaves_nothing(
    share: RedisShare, monkeypatch: pytest.MonkeyPatch
) -> None:
    await share.add(VOICE, replace=False)
    save = share._save_prepared

    async def too_late(**asked: Any) -> object:
        await share.delete("mine", 3.0)
        return await save(**asked)

    monkeypatch.setattr(share, "_save_prepared", too_late)
    await share.save_prepared(RECORD, "e/1", b"of the dead voice")
    assert await share.load_prepared(RECORD, "e/1") is None


async def test_a_voice_is_registered_again_after_its_deletion(share: RedisShare) -> None:
    await share.add(VOICE, replace=False)
    await share.delete("mine", 3.0)
    assert await share.add(OTHER, replace=False)
    assert await share.deleted() == {}


async def test_a_full_disk_is_no_matter_where_redis_has_the_voice(
    share: RedisShare, tmp_path: Path, speech: np.ndarray
) -> None:
    (tmp_path / "file").touch()
    libraries = [
        VoiceLibrary(
            VoiceFiles(folder, sealer(None)), share, MemoryBus(), cached=1, require_consent=True
        )
        for folder in (tmp_path / "file", tmp_path / "voices")
    ]
    await libraries[0].register(Registration("kept", wav(speech), consent=True), "me")
    await libraries[1].open()
    for library in libraries:
        assert [record.voice_id for record in library.listed("me")] == ["kept"]
        assert (await library.voice("kept", "me")).record.consent


async def test_a_record_that_cannot_be_opened_hides_no_other(
    share: RedisShare, redis_server: RedisServer
) -> None:
    await share.add(VOICE, replace=False)
    async with Redis.from_url(redis_server.url) as redis:
        await redis.hset("parley:tts:voices", "theirs", b"\x01sealed with another key")
    assert await share.index() == {"mine": RECORD}
