"""A voice's shelf without a disk."""

from services.tts.engines.base import Arrays
from services.tts.voices.record import VoiceRecord
from services.tts.voices.shelf import pack, unpack
from shared.sealing import sealer

RECORD = VoiceRecord("v", "alice", "V", None, 6.0, "d" * 64, True, 1.0)


class Shelf:
    """A dictionary of what the pipeline would write, safetensors and all."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def load(self, preparation: str) -> Arrays | None:
        sealed = self.kept.get(preparation)
        return None if sealed is None else unpack(sealed, RECORD, preparation, sealer(None))

    async def save(self, preparation: str, arrays: Arrays) -> None:
        self.kept[preparation] = pack(arrays, RECORD, preparation, sealer(None))
