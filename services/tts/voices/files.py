"""Registered voices on this machine's disk: sealed recordings, and what engines made of them."""

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from services.tts.voices.record import StoredVoice
from services.tts.voices.shelf import name_of
from shared.errors import ParleyError
from shared.sealing import CannotOpen, Sealer

log = logging.getLogger(__name__)

_SUFFIX, _PREPARED = ".voice", ".prepared"
_ID_BYTES = 2


class CannotKeep(ParleyError):
    """This machine's disk takes no voice."""


class VoiceFiles:
    """A folder of voices. Blocking: call it on a thread.

    File names are hashes of the ids, so that no id can lead out of the folder.
    """

    def __init__(self, folder: Path, sealer: Sealer) -> None:
        self._folder = folder
        self.sealer = sealer

    def try_out(self) -> None:
        """See, by a file that does not stay, that voices can be kept here.

        Raises:
            CannotKeep: they cannot.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=self._folder):
                pass
        except OSError as error:
            raise CannotKeep(error.strerror or str(error)) from error

    def save(self, voice: StoredVoice) -> None:
        """Write it in place of what was kept; readable by this user alone.

        Raises:
            CannotKeep: the disk is full, or the folder cannot be written.
        """
        voice_id = voice.record.voice_id.encode()
        data = len(voice_id).to_bytes(_ID_BYTES, "little") + voice_id + voice.pack(self.sealer)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._drop_prepared(voice.record.voice_id)
            _write(self._path(voice.record.voice_id), data)
        except OSError as error:
            log.warning("voice not kept", extra={"folder": str(self._folder), "why": str(error)})
            raise CannotKeep(f"the voice cannot be kept: {error.strerror or error}") from error

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
        """Forget it and all that was made of it; nothing happens when it is not kept here."""
        self._drop_prepared(voice_id)
        self._path(voice_id).unlink(missing_ok=True)

    def save_prepared(self, voice_id: str, preparation: str, sealed: bytes) -> None:
        """Keep what an engine prepared, in place of what others did, beside the recording only."""
        if self._path(voice_id).exists():
            self._drop_prepared(voice_id)
            _write(self._prepared_path(voice_id, preparation), sealed)

    def load_prepared(self, voice_id: str, preparation: str) -> bytes | None:
        """What was kept under that name."""
        try:
            return self._prepared_path(voice_id, preparation).read_bytes()
        except FileNotFoundError:
            return None

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
        return StoredVoice.unpack(sealed, name.decode(errors="replace"), self.sealer)

    def _drop_prepared(self, voice_id: str) -> None:
        for path in self._folder.glob(f"{_hashed(voice_id)}.*{_PREPARED}"):
            path.unlink(missing_ok=True)

    def _prepared_path(self, voice_id: str, preparation: str) -> Path:
        return self._folder / f"{_hashed(voice_id)}.{name_of(preparation)}{_PREPARED}"

    def _path(self, voice_id: str) -> Path:
        return self._folder / (_hashed(voice_id) + _SUFFIX)


def _hashed(voice_id: str) -> str:
    return hashlib.sha256(voice_id.encode()).hexdigest()[:32]


def _write(path: Path, data: bytes) -> None:
    partial = path.with_suffix(f".{os.getpid()}.part")
    partial.touch(mode=0o600)
    partial.write_bytes(data)
    partial.replace(path)
