"""The format of a session's microphone."""

from dataclasses import dataclass

from shared.audio.pcm import Encoding, PcmDecoder, encode
from shared.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Microphone:
    """How the client's binary frames are written."""

    encoding: Encoding = Encoding.S16LE
    sample_rate: int = 16_000
    channels: int = 1

    @property
    def bytes_per_second(self) -> int:
        """Of the frames."""
        return self.sample_rate * self.channels * self.encoding.width

    def seconds(self, frame: bytes) -> float:
        """How long a frame is."""
        return len(frame) / self.bytes_per_second

    def plain(self, frame: bytes) -> bytes:
        """A frame as s16le mono; half a sample at its end is left out, bad floats are silence."""
        if self.encoding is Encoding.S16LE and self.channels == 1:
            return frame[: len(frame) & ~1]
        try:
            return encode(PcmDecoder(self.encoding, self.channels).feed(frame), Encoding.S16LE)
        except InvalidRequest:  # the recogniser tells the client
            return b""
