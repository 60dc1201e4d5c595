"""Registered voices on this machine's disk, one sealed file each."""

import hashlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from services.tts.pipeline.voice_record import StoredVoice
from shared.sealing import CannotOpen, Sealer

log = logging.getLogger(__name__)

_SUFFIX = ".voice"
_ID_BYTES = 2


class VoiceFiles:
    """A folder of voices. Blocking: call it on a thread.

    File names are hashes of the ids, so that no id can lead out of the folder.
    """

    def __init__(self, folder: Path, sealer: Sealer) -> None:
        self._folder = folder
        self._sealer = sealer

    def save(self, voice: StoredVoice) -> None:
        """Write it; readable by this user alone."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        voice_id = voice.record.voice_id.encode()
        data = len(voice_id).to_bytes(_ID_BYTES, "little") + voice_id + voice.pack(self._sealer)
        path = self._path(voice.record.voice_id)
        partial = path.with_suffix(f".{os.getpid()}.part")
        partial.touch(mode=0o600)
        partial.write_bytes(data)
        partial.replace(path)

    def load(self, voice_id: str) -> StoredVoice | None:
        """The voice, or None where it is not kept here.

        Raises:
            CannotOpen: it is damaged, or sealed with another key.
        """
        try:
            data = self._path(voice_id).read_bytes()
        except FileNotFoundError:
            return None
        return self._opened(data)

    def delete(self, voice_id: str) -> None:
        """Forget it; nothing happens when it is not kept here."""
        self._path(voice_id).unlink(missing_ok=True)

    def all(self) -> Iterator[StoredVoice]:
        """Every voice that can be opened; the others are told in the log."""
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            try:
                yield self._opened(path.read_bytes())
            except (CannotOpen, OSError) as error:
                log.warning("voice cannot be opened", extra={"file": path.name, "why": str(error)})

    def _opened(self, data: bytes) -> StoredVoice:
        length = int.from_bytes(data[:_ID_BYTES], "little")
        name, sealed = data[_ID_BYTES : _ID_BYTES + length], data[_ID_BYTES + length :]
        return StoredVoice.unpack(sealed, name.decode(errors="replace"), self._sealer)

    def _path(self, voice_id: str) -> Path:
        return self._folder / (hashlib.sha256(voice_id.encode()).hexdigest()[:32] + _SUFFIX)
