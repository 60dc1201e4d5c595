"""What engines prepared of registered voices: how it is written down, and where it is kept."""

import hashlib
import json
import logging
from typing import Protocol

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from services.tts.engines.base import Arrays
from services.tts.voices.record import VoiceRecord
from shared.errors import UpstreamFailed
from shared.sealing import CannotOpen, Sealer

log = logging.getLogger(__name__)


class PreparedStore(Protocol):
    """A place for sealed bytes beside a voice's recording."""

    async def load_prepared(self, record: VoiceRecord, preparation: str) -> bytes | None:
        """What was kept, or None."""
        ...

    async def save_prepared(self, record: VoiceRecord, preparation: str, sealed: bytes) -> None:
        """Keep it, unless the voice is no longer the one of the record."""
        ...


class VoiceShelf:
    """The prepared forms of one voice, the nearest place first.

    Args:
        places: this disk, then what the replicas share.
    """

    def __init__(
        self, record: VoiceRecord, sealer: Sealer, places: tuple[PreparedStore, ...]
    ) -> None:
        self._record = record
        self._sealer = sealer
        self._places = places

    async def load(self, preparation: str) -> Arrays | None:
        """What was kept; what cannot be trusted is told in the log, and looked for further on."""
        for place in self._places:
            try:
                sealed = await place.load_prepared(self._record, preparation)
                if sealed is not None:
                    return unpack(sealed, self._record, preparation, self._sealer)
            except (CannotOpen, UpstreamFailed, OSError) as error:
                log.warning("prepared voice cannot be opened", extra={"why": str(error)})
        return None

    async def save(self, preparation: str, arrays: Arrays) -> None:
        """Keep it in all places."""
        sealed = pack(arrays, self._record, preparation, self._sealer)
        for place in self._places:
            try:
                await place.save_prepared(self._record, preparation, sealed)
            except (UpstreamFailed, OSError) as error:
                log.warning("prepared voice not kept", extra={"why": str(error)})


def pack(arrays: Arrays, record: VoiceRecord, preparation: str, sealer: Sealer) -> bytes:
    """For a disk or a database: safetensors, sealed for this recording and preparation."""
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    context = _context(record, preparation)
    plain = save_tensors(whole, {"of": context, "sha256": _digest(whole)})
    return sealer.seal(plain, context)


def unpack(sealed: bytes, record: VoiceRecord, preparation: str, sealer: Sealer) -> Arrays:
    """The reverse.

    Raises:
        CannotOpen: damaged, of another recording or preparation, or sealed with another key.
    """
    context = _context(record, preparation)
    plain = sealer.open(sealed, context)
    try:
        arrays: Arrays = load_tensors(plain)
        header = json.loads(plain[8 : 8 + int.from_bytes(plain[:8], "little")])["__metadata__"]
        of, sha256 = header["of"], header["sha256"]
    except (SafetensorError, KeyError, ValueError) as error:
        raise CannotOpen("a prepared voice is damaged") from error
    if of != context:
        raise CannotOpen("a prepared voice is that of another voice or engine")
    if sha256 != _digest(arrays):
        raise CannotOpen("a prepared voice is damaged")
    return arrays


def name_of(preparation: str) -> str:
    """A preparation as a part of a file's name."""
    return hashlib.sha256(preparation.encode()).hexdigest()[:16]


def _context(record: VoiceRecord, preparation: str) -> str:
    return f"prepared:{record.voice_id}:{record.digest}:{preparation}"


def _digest(arrays: Arrays) -> str:
    """SHA-256 of the values, for those who set no key."""
    seen = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        seen.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return seen.hexdigest()
