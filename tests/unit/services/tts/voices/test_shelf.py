"""What was prepared of a voice is trusted only when it is whole, and of that voice and engine."""

import base64
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from services.tts.engines.base import Arrays
from services.tts.voices.files import VoiceFiles
from services.tts.voices.record import StoredVoice, VoiceRecord, digest
from services.tts.voices.shelf import VoiceShelf, pack, unpack
from shared.errors import UpstreamFailed
from shared.sealing import CannotOpen, sealer

KEY, OTHER = (SecretStr(base64.b64encode(os.urandom(32)).decode()) for _ in range(2))
SAMPLES = np.linspace(-0.5, 0.5, 1000, dtype=np.float32)
RECORD = VoiceRecord("mine", "alice", "Mine", None, 6.0, digest(SAMPLES), True, 1.0)
MADE: Arrays = {"speaker": np.ones((1, 4), np.float32), "prompt": np.arange(6).reshape(1, 6)}


class Place:
    """Keeps one thing; fails when told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.sealed: bytes | None = None
        self.error = error

    async def load_prepared(self, record: VoiceRecord, preparation: str) -> bytes | None:
        if self.error is not None:
            raise self.error
        return self.sealed

    async def save_prepared(self, record: VoiceRecord, preparation: str, sealed: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.sealed = sealed


@pytest.mark.parametrize("key", [KEY, None])
def test_it_comes_back_as_it_was(key: SecretStr | None) -> None:
    back = unpack(pack(MADE, RECORD, "e/1", sealer(key)), RECORD, "e/1", sealer(key))
    assert set(back) == set(MADE)
    for name, array in MADE.items():
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array)


@pytest.mark.parametrize("key", [KEY, None])
@pytest.mark.parametrize("at", [0, 1, 40, -1])
def test_one_changed_byte_is_noticed(key: SecretStr | None, at: int) -> None:
    packed = bytearray(pack(MADE, RECORD, "e/1", sealer(key)))
    packed[at] ^= 0x40
    with pytest.raises(CannotOpen):
        unpack(bytes(packed), RECORD, "e/1", sealer(key))


@pytest.mark.parametrize("key", [KEY, None])
@pytest.mark.parametrize(
    ("record", "preparation"),
    [
        (replace(RECORD, voice_id="yours"), "e/1"),
        (replace(RECORD, digest="0" * 64), "e/1"),
        (RECORD, "e/2"),
    ],
)
def test_it_is_bound_to_voice_recording_and_engine(
    key: SecretStr | None, record: VoiceRecord, preparation: str
) -> None:
    packed = pack(MADE, RECORD, "e/1", sealer(key))
    with pytest.raises(CannotOpen):
        unpack(packed, record, preparation, sealer(key))


@pytest.mark.parametrize("key", [OTHER, None])
def test_another_key_does_not_open_it(key: SecretStr | None) -> None:
    with pytest.raises(CannotOpen):
        unpack(pack(MADE, RECORD, "e/1", sealer(KEY)), RECORD, "e/1", sealer(key))


async def test_the_second_place_serves_where_the_first_is_damaged_or_down() -> None:
    second = Place()
    second.sealed = pack(MADE, RECORD, "e/1", sealer(KEY))
    for first in (Place(UpstreamFailed("down")), Place(OSError("full")), Place()):
        first.sealed = b"\x01damaged"
        shelf = VoiceShelf(RECORD, sealer(KEY), (first, second))
        loaded = await shelf.load("e/1")
        assert loaded is not None
        np.testing.assert_array_equal(loaded["prompt"], MADE["prompt"])


@pytest.mark.parametrize("error", [OSError("full"), UpstreamFailed("away")])
async def test_a_place_that_fails_costs_nobody_the_other(error: Exception) -> None:
    second = Place()
    await VoiceShelf(RECORD, sealer(KEY), (Place(error), second)).save("e/1", MADE)
    assert await VoiceShelf(RECORD, sealer(KEY), (second,)).load("e/1") is not None
    assert await VoiceShelf(RECORD, sealer(KEY), (Place(),)).load("e/1") is None


def test_files_of_a_voice_come_and_go_together(tmp_path: Path) -> None:
    files = VoiceFiles(tmp_path, sealer(KEY))
    files.save_prepared("mine", "e/1", b"early")
    assert not list(tmp_path.iterdir())  # beside a recording only
    files.save(StoredVoice(RECORD, SAMPLES))
    files.save_prepared("mine", "e/1", b"first")
    assert files.load_prepared("mine", "e/1") == b"first"
    assert files.load_prepared("mine", "e/2") is None
    files.save_prepared("mine", "e/2", b"second")
    assert files.load_prepared("mine", "e/1") is None
    assert [voice.record for voice in files.all()] == [RECORD]
    files.save(StoredVoice(RECORD, SAMPLES))
    assert files.load_prepared("mine", "e/2") is None
    files.save_prepared("mine", "e/2", b"third")
    files.delete("mine")
    assert not list(tmp_path.iterdir())
