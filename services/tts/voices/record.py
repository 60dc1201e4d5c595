"""A registered voice: what is known of it, and how it is written down (safetensors)."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from services.tts.engines.base import Reference, Samples, Shelf
from shared.errors import InvalidRequest
from shared.sealing import CannotOpen, Sealer

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TENSOR = "reference"


@dataclass(frozen=True, slots=True)
class VoiceRecord:
    """All that is known of a registered voice but its sound."""

    voice_id: str
    owner: str
    """The key that registered it; nobody else may use, replace or delete it."""
    name: str
    language: str | None
    duration_s: float
    digest: str
    """SHA-256 of the samples."""
    consent: bool
    """That the client said the speaker agreed."""
    created_at: float
    """Seconds since 1970, of registration and of consent."""

    def to_json(self) -> bytes:
        """For the index that replicas share."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "VoiceRecord":
        """The reverse.

        Raises:
            CannotOpen: it is not a record.
        """
        try:
            return cls(**json.loads(data))
        except (ValueError, TypeError) as error:
            raise CannotOpen("a stored voice record is damaged") from error


@dataclass(frozen=True, slots=True)
class StoredVoice:
    """A voice with its sound."""

    record: VoiceRecord
    samples: Samples
    """float32 [n], mono, 24 kHz."""

    def reference(self, shelf: Shelf | None = None) -> Reference:
        """For the engine, with a place for what it prepares."""
        return Reference(self.record.voice_id, self.record.digest, self.samples, shelf)

    def pack(self, sealer: Sealer) -> bytes:
        """For a disk or a database: safetensors, sealed for this voice's id."""
        metadata = {"record": self.record.to_json().decode()}
        plain = save_tensors({_TENSOR: np.ascontiguousarray(self.samples)}, metadata)
        return sealer.seal(plain, context(self.record.voice_id))

    @classmethod
    def unpack(cls, sealed: bytes, voice_id: str, sealer: Sealer) -> "StoredVoice":
        """The reverse.

        Raises:
            CannotOpen: damaged, of another voice, or sealed with another key.
        """
        plain = sealer.open(sealed, context(voice_id))
        try:
            samples = load_tensors(plain)[_TENSOR]
            header = json.loads(plain[8 : 8 + int.from_bytes(plain[:8], "little")])
            record = VoiceRecord.from_json(header["__metadata__"]["record"].encode())
        except (SafetensorError, KeyError, ValueError) as error:
            raise CannotOpen(f"what is stored of voice {voice_id!r} is damaged") from error
        if record.voice_id != voice_id or record.digest != digest(samples):
            raise CannotOpen(f"what is stored of voice {voice_id!r} is not that voice")
        return cls(record, samples)


def context(voice_id: str) -> str:
    """What a sealed voice is bound to."""
    return f"voice:{voice_id}"


def digest(samples: Samples) -> str:
    """SHA-256 of the samples."""
    return hashlib.sha256(np.ascontiguousarray(samples, "<f4").tobytes()).hexdigest()


def check_id(voice_id: str) -> None:
    """Let a name pass that is one.

    Raises:
        InvalidRequest: it is a path, or otherwise unfit.
    """
    if not _ID.fullmatch(voice_id):
        raise InvalidRequest(
            "a voice id has 1 to 64 letters, digits, dots, dashes and underscores, "
            "and begins with a letter or digit",
            param="voice_id",
        )
