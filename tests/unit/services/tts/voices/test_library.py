"""Who may do what with a registered voice, and what survives a restart: real files."""

import asyncio
import base64
import io
import os
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from services.tts.engines.base import SAMPLE_RATE
from services.tts.voices.files import CannotKeep, VoiceFiles
from services.tts.voices.library import VoiceLibrary
from services.tts.voices.record import StoredVoice, VoiceRecord, digest
from services.tts.voices.registration import Registration
from shared.bus import MemoryBus
from shared.errors import Conflict, ConsentRequired, InvalidRequest, NotFound
from shared.sealing import CannotOpen, sealer

KEY = SecretStr(base64.b64encode(bytes(32)).decode())
OTHER = SecretStr(base64.b64encode(os.urandom(32)).decode())


def speech(seconds: float = 6.0) -> np.ndarray:
    """A pitch that wanders, broken off by hisses at uneven times: enough like speech."""
    random = np.random.default_rng(1)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    hertz = 120 + 30 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE
    voice = sum(np.sin(n * phase) / n for n in range(1, 8))
    hiss = 0.3 * random.standard_normal(len(time))
    edges = np.cumsum(random.uniform(0.15, 0.4, round(8 * seconds)))
    turn = np.searchsorted(edges, time) % 3
    return np.asarray(0.2 * (voice * (turn == 0) + hiss * (turn == 1)), np.float32)


def recording(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE)
        writer.writeframes((samples * 32767).astype("<i2").tobytes())
    return file.getvalue()


def kept(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


WANTED = Registration("mine", recording(speech()), consent=True, language="en")


def library(folder: Path, key: SecretStr | None = KEY, cached: int = 8) -> VoiceLibrary:
    files = VoiceFiles(folder, sealer(key))
    return VoiceLibrary(
        files, None, MemoryBus(), cached=cached, require_consent=True, wall=lambda: 1_700_000_000.0
    )


async def test_a_voice_and_its_consent_survive_a_restart(tmp_path: Path) -> None:
    record = await library(tmp_path).register(WANTED, "alice")
    assert (record.consent, record.created_at) == (True, 1_700_000_000.0)
    again = library(tmp_path)
    await again.open()
    assert again.listed("alice") == [record]
    voice = await again.voice("mine", "alice")
    assert voice.reference().digest == record.digest == digest(voice.samples)
    assert voice.samples.dtype == np.float32


@pytest.mark.parametrize("key", [OTHER, None])
async def test_nobody_opens_it_without_its_key(tmp_path: Path, key: SecretStr | None) -> None:
    await library(tmp_path).register(WANTED, "alice")
    other = library(tmp_path, key)
    await other.open()
    assert other.listed("alice") == []
    with pytest.raises(NotFound):
        await other.voice("mine", "alice")


async def test_it_belongs_to_who_made_it(tmp_path: Path) -> None:
    voices = library(tmp_path)
    await voices.register(WANTED, "alice")
    assert voices.listed("bob") == []
    with pytest.raises(NotFound):
        await voices.voice("mine", "bob")
    with pytest.raises(NotFound):
        await voices.delete("mine", "bob")
    for owner, again in (("alice", WANTED), ("bob", replace(WANTED, replace=True))):
        with pytest.raises(Conflict):
            await voices.register(again, owner)
    await voices.register(replace(WANTED, replace=True, name="New"), "alice")
    assert [record.name for record in voices.listed("alice")] == ["New"]


async def test_two_registrations_at_once_make_one_voice(tmp_path: Path) -> None:
    voices = library(tmp_path)
    done = await asyncio.gather(
        voices.register(WANTED, "alice"), voices.register(WANTED, "bob"), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in done) == ["Conflict", "VoiceRecord"]


async def test_deleting_forgets_the_file_and_tells(tmp_path: Path) -> None:
    voices = library(tmp_path)
    gone: list[str] = []

    async def tell(voice_id: str) -> None:
        gone.append(voice_id)

    voices.tell(deleted=tell, replaced=tell)
    await voices.register(WANTED, "alice")
    await voices.delete("mine", "alice")
    assert gone == ["mine"]
    assert kept(tmp_path) == []
    with pytest.raises(NotFound):
        await voices.voice("mine", "alice")


async def test_the_least_used_sound_leaves_the_memory_first(tmp_path: Path) -> None:
    voices = library(tmp_path, cached=1)
    await voices.register(WANTED, "alice")
    first = await voices.voice("mine", "alice")
    assert await voices.voice("mine", "alice") is first
    await voices.register(replace(WANTED, voice_id="other"), "alice")
    again = await voices.voice("mine", "alice")
    assert again is not first
    assert again.record == first.record


async def test_a_disk_that_takes_nothing_is_told_and_nothing_is_registered(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("where the folder should be")
    voices = library(tmp_path / "file")
    with pytest.raises(CannotKeep, match="the voice cannot be kept: File exists"):
        await voices.register(WANTED, "me")
    assert voices.listed("me") == []


def test_a_folder_is_tried_out_and_left_empty(tmp_path: Path) -> None:
    VoiceFiles(tmp_path / "new" / "voices", sealer(KEY)).try_out()
    assert kept(tmp_path / "new" / "voices") == []
    (tmp_path / "file").touch()
    with pytest.raises(CannotKeep, match="Not a directory"):
        VoiceFiles(tmp_path / "file" / "voices", sealer(KEY)).try_out()


async def test_what_is_prepared_too_late_is_not_kept(tmp_path: Path) -> None:
    voices = library(tmp_path)
    first = await voices.register(WANTED, "alice")
    changed = recording(speech()[::-1])
    await voices.register(replace(WANTED, recording=changed, replace=True), "alice")
    await voices.shelf(first).save("e/1", {"pitch": np.ones(1)})
    assert len(kept(tmp_path)) == 1
    second = voices.record("mine", "alice")
    await voices.shelf(second).save("e/1", {"pitch": np.ones(1)})
    assert len(kept(tmp_path)) == 2
    await voices.delete("mine", "alice")
    await voices.shelf(second).save("e/1", {"pitch": np.ones(1)})
    assert kept(tmp_path) == []


async def test_consent_and_a_name_are_needed(tmp_path: Path) -> None:
    voices = library(tmp_path)
    with pytest.raises(ConsentRequired):
        await voices.register(replace(WANTED, consent=False), "alice")
    with pytest.raises(InvalidRequest, match="voice id"):
        await voices.register(replace(WANTED, voice_id="../mine"), "alice")
    assert kept(tmp_path) == []


async def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    hum = np.clip(9 * np.sin(np.arange(2 * SAMPLE_RATE) / 20), -1, 1)
    with pytest.raises(InvalidRequest, match=r"too short.*clipped.*not speech"):
        await library(tmp_path).register(replace(WANTED, recording=recording(hum)), "alice")


def test_a_stored_voice_is_bound_to_its_id() -> None:
    samples = speech()
    record = VoiceRecord("mine", "alice", "Mine", None, 6.0, digest(samples), True, 1.0)
    packed = StoredVoice(record, samples).pack(sealer(KEY))
    assert StoredVoice.unpack(packed, "mine", sealer(KEY)).record == record
    with pytest.raises(CannotOpen):
        StoredVoice.unpack(packed, "yours", sealer(KEY))
    with pytest.raises(CannotOpen):
        StoredVoice.unpack(packed[:-1], "mine", sealer(KEY))
    with pytest.raises(CannotOpen):
        StoredVoice.unpack(b"\x00not safetensors", "mine", sealer(None))
